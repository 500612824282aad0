#include "hosts/net/dial_race.hpp"

#include "actors/error_page.hpp"
#include "hosts/net/descriptors.hpp"
#include "hosts/net/lost_addresses.hpp"
#include "hosts/net/origin_dialer.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

instant now() {
  return instant{std::chrono::steady_clock::now().time_since_epoch()};
}

/// Whether `from` can be the source of packets to `to`.
bool same_family(const source_bind& from, const asio::ip::address& to) {
  if (from.address.empty())
    return true;
  error_code ec;
  auto source = asio::ip::make_address(from.address, ec);
  return !ec && source.is_v6() == to.is_v6();
}

/// Opens a socket that leaves through `from`.
result<void> open_from(tcp::socket& socket, const dial_candidate& x) {
  auto to = [&x] { return address_text(from_asio(x.to)); };
  error_code ec;
  socket.open(x.to.protocol(), ec);
  if (ec)
    return error_of(ec, to());
  auto limit = limit_known_to(socket.get_executor()).get();
  if (is_scarce(socket.native_handle(), descriptor_use::origin, limit)) {
    socket.close(ec);
    return make_error(
        errc::limit_reached,
        to() + ": this device has no descriptors left (ulimit -n)");
  }
  if (!x.from.interface.empty()) {
    auto bound = bind_to_interface(socket.native_handle(), x.from.interface);
    if (!bound)
      return bound.error();
  }
  if (x.from.address.empty())
    return {};
  auto source = to_asio<tcp::endpoint>(endpoint{x.from.address, 0});
  if (!source)
    return source.error();
  socket.bind(*source, ec);
  if (ec == boost::system::errc::address_not_available)
    return missing_line(x.from.address);
  if (ec)
    return error_of(ec, "leaving from " + x.from.address);
  return {};
}

/// How much an error says about why nothing was reached: what an address said
/// says more than a lookup, and that name servers have no answer more than that
/// a family has no address.
int weight(const error& x) {
  switch (x.code) {
    case errc::dns_failed:
      return 0;
    case errc::dns_unanswered:
    case errc::limit_reached:
    case errc::io_failed:
      return 1;
    case errc::unreachable:
      return 2;
    default:
      return 3;
  }
}

} // namespace

result<std::vector<dial_candidate>>
candidates_for(const addresses& found, uint16_t port,
               const std::vector<source_bind>& binds,
               const address_check& permit) {
  std::vector<dial_candidate> out;
  std::optional<error> refused;
  for (const auto& from : binds)
    for (const auto& address : found) {
      if (!same_family(from, address))
        continue;
      if (auto ok = permit(address); ok)
        out.push_back({tcp::endpoint{address, port}, from});
      else
        refused = ok.error();
    }
  if (!out.empty() || found.empty())
    return out;
  if (refused)
    return *refused;
  return make_error(errc::io_failed,
                    found.front().to_string()
                        + ": no address of a family we can leave from");
}

dial_race::dial_race(asio::any_io_executor ex, handler<socket_ptr> done)
  : ex_(std::move(ex)), timer_(ex_), done_(std::move(done)) {}

void dial_race::run(dns_cache& names, const std::string& host, uint16_t port,
                    std::vector<source_bind> binds, address_check permit) {
  port_ = port;
  binds_ = std::move(binds);
  permit_ = std::move(permit);
  for (auto family : {address_family::v6, address_family::v4}) {
    if (auto known = names.known(host, family)) {
      on_found(family, std::move(*known));
      continue;
    }
    lookups_.push_back(names.lookup(
        host, family,
        [self = shared_from_this(), family](result<addresses> found) {
          self->on_found(family, std::move(found));
        }));
  }
}

void dial_race::cancel() {
  settle(make_error(errc::cancelled, "called off"));
}

void dial_race::lose_unless_from(const std::vector<std::string>& addresses) {
  error_code ec;
  for (const auto& socket : sockets_)
    if (lost_source(*socket, addresses))
      socket->close(ec);
}

void dial_race::on_found(address_family family, result<addresses> found) {
  if (!done_)
    return;
  std::vector<dial_candidate> candidates;
  if (!found) {
    note(found.error());
  } else if (auto some = candidates_for(*found, port_, binds_, permit_)) {
    any_address_ = any_address_ || !some->empty();
    candidates = std::move(*some);
  } else {
    note(some.error());
  }
  order_.found(family, std::move(candidates), now());
  advance();
}

/// Does what the order wants now and waits for what it wants later.
void dial_race::advance() {
  while (done_)
    if (auto x = order_.poll())
      attempt(*x);
    else
      break;
  if (!done_)
    return;
  if (order_.exhausted())
    return settle(
        failure_.value_or(make_error(errc::dns_failed, "no such host")));
  auto deadline = order_.deadline();
  if (!deadline)
    return;
  timer_.expires_at(asio::steady_timer::time_point{
      std::chrono::duration_cast<asio::steady_timer::duration>(
          deadline->time_since_epoch())});
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (ec)
      return;
    self->order_.expire(now());
    self->advance();
  });
}

void dial_race::attempt(const dial_candidate& x) {
  auto socket = std::make_shared<tcp::socket>(ex_);
  if (auto opened = open_from(*socket, x); !opened) {
    note(opened.error());
    order_.attempt_failed(now());
    return;
  }
  // Asio would do so by itself, and whoever gets the socket once more.
  error_code ignored;
  socket->non_blocking(true, ignored);
  sockets_.push_back(socket);
  socket->async_connect(x.to,
                        [self = shared_from_this(), socket, x](error_code ec) {
                          self->on_connected(socket, x, ec);
                        });
}

void dial_race::on_connected(const socket_ptr& socket, const dial_candidate& x,
                             error_code ec) {
  if (!done_)
    return;
  std::erase(sockets_, socket);
  if (!socket->is_open()) { // what it left from is gone
    attempt(x);
    return advance();
  }
  if (!ec) {
    reached_ = x.to;
    return end()(socket);
  }
  auto why = error_of(ec, address_text(from_asio(x.to)));
  if (why.code == errc::timed_out)
    why.code = errc::connect_timed_out;
  note(std::move(why));
  order_.attempt_failed(now());
  advance();
}

void dial_race::note(error why) {
  if (!failure_ || weight(why) > weight(*failure_))
    failure_ = std::move(why);
}

/// Reports, once, not from within this call: it may come from whoever waits.
void dial_race::settle(result<socket_ptr> outcome) {
  if (done_)
    asio::post(ex_,
               [done = end(), outcome = std::move(outcome)] { done(outcome); });
}

/// Calls off whatever still runs; gives whom to tell.
handler<socket_ptr> dial_race::end() {
  timer_.cancel();
  for (const auto& call_off : std::exchange(lookups_, {}))
    call_off();
  for (const auto& socket : std::exchange(sockets_, {})) {
    error_code ec;
    socket->close(ec);
  }
  // It may hold the names, which hold this while a lookup is under way.
  permit_ = nullptr;
  return std::exchange(done_, nullptr);
}

} // namespace peapod::net
