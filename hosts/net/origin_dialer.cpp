#include "hosts/net/origin_dialer.hpp"

#include "hosts/net/descriptors.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// How long an attempt is waited for before the next one joins it
/// (RFC 8305, 5).
constexpr auto stagger = std::chrono::milliseconds(250);

/// One address, reached from one of our own.
struct candidate {
  tcp::endpoint to;
  source_bind from;
};

/// Whether `from` can be the source of packets to `to`.
bool same_family(const source_bind& from, const asio::ip::address& to) {
  error_code ec;
  auto source = asio::ip::make_address(from.address, ec);
  return from.address.empty() || (!ec && source.is_v6() == to.is_v6());
}

/// Opens a socket that leaves through `from`.
result<void> open_from(tcp::socket& socket, const candidate& x) {
  auto to = address_text(from_asio(x.to));
  error_code ec;
  socket.open(x.to.protocol(), ec);
  if (ec)
    return error_of(ec, to);
  if (is_scarce(socket.native_handle(), descriptor_use::origin)) {
    socket.close(ec);
    return make_error(errc::limit_reached,
                      to + ": this device has no descriptors left (ulimit -n)");
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
  if (ec)
    return error_of(ec, "leaving from " + x.from.address);
  return {};
}

/// Races the candidates.
class race final : public dial_job, public std::enable_shared_from_this<race> {
public:
  race(const asio::any_io_executor& ex, handler<socket_ptr> done)
    : ex_(ex), timer_(ex), done_(std::move(done)) {}

  void cancel() override {
    settle(make_error(errc::cancelled, "called off"));
  }

  /// Begins with the first candidate.
  void run(std::vector<candidate> candidates) {
    candidates_ = std::move(candidates);
    next();
  }

  void fail(error why) {
    if (!first_error_)
      first_error_ = std::move(why);
    if (running_ == 0 && tried_ == candidates_.size())
      settle(*first_error_);
  }

private:
  void next() {
    if (!done_ || tried_ == candidates_.size())
      return;
    const auto& x = candidates_[tried_++];
    auto socket = std::make_shared<tcp::socket>(ex_);
    if (auto opened = open_from(*socket, x); !opened) {
      fail(opened.error());
      return next();
    }
    ++running_;
    sockets_.push_back(socket);
    auto done = [self = shared_from_this(), socket, to = x.to](error_code ec) {
      self->on_connect(socket, to, ec);
    };
    socket->async_connect(x.to, std::move(done));
    wait_for_turn();
  }

  void wait_for_turn() {
    if (tried_ == candidates_.size())
      return;
    timer_.expires_after(stagger);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec)
        self->next();
    });
  }

  void on_connect(const socket_ptr& socket, const tcp::endpoint& to,
                  error_code ec) {
    --running_;
    if (!done_)
      return;
    if (!ec) {
      std::erase(sockets_, socket);
      return settle(socket);
    }
    fail(error_of(ec, address_text(from_asio(to))));
    timer_.cancel();
    next();
  }

  /// Closes the other sockets and reports, once.
  void settle(result<socket_ptr> outcome) {
    if (!done_)
      return;
    timer_.cancel();
    for (const auto& socket : std::exchange(sockets_, {})) {
      error_code ec;
      socket->close(ec);
    }
    asio::post(ex_, [done = std::exchange(done_, nullptr),
                     outcome = std::move(outcome)] { done(outcome); });
  }

  asio::any_io_executor ex_;
  asio::steady_timer timer_;
  handler<socket_ptr> done_;
  std::vector<candidate> candidates_;
  std::vector<socket_ptr> sockets_;
  std::optional<error> first_error_;
  size_t tried_ = 0;
  size_t running_ = 0;
};

/// What a dial may use, fixed when it begins.
struct dial_plan {
  std::vector<source_bind> binds; // in the order to try
  exit_policy allow;              // empty: everything
  host_port to;

  /// The addresses that may be dialled, each from every fitting bind. Errors:
  /// `policy_refused` when there were addresses but none is allowed.
  result<std::vector<candidate>>
  candidates(const std::vector<asio::ip::address>& found) const {
    std::vector<candidate> out;
    std::optional<error> refused;
    for (const auto& from : binds)
      for (const auto& address : found) {
        if (!same_family(from, address))
          continue;
        if (auto ok = permit(address); ok)
          out.push_back({tcp::endpoint{address, to.port}, from});
        else
          refused = ok.error();
      }
    if (!out.empty())
      return out;
    if (refused)
      return *refused;
    return make_error(errc::io_failed,
                      to.host + ": no address of a family we can leave from");
  }

  result<void> permit(const asio::ip::address& address) const {
    return allow ? allow(address.to_string(), to.port) : result<void>{};
  }
};

} // namespace

/// Names looked up for peers at a time.
constexpr size_t max_peer_lookups = 4;

origin_dialer::origin_dialer(asio::any_io_executor ex,
                             std::vector<source_bind> binds,
                             exit_policy allow_for_peer)
  : ex_(ex),
    binds_(std::move(binds)),
    allow_for_peer_(std::move(allow_for_peer)),
    names_(ex),
    peer_names_(std::move(ex), max_peer_lookups) {
  if (binds_.empty())
    binds_.emplace_back();
  if (!allow_for_peer_)
    allow_for_peer_ = [](const std::string& ip, uint16_t) -> result<void> {
      return make_error(errc::policy_refused, ip + ": not open to peers");
    };
}

origin_dialer::~origin_dialer() = default;

std::shared_ptr<dial_job> origin_dialer::dial(const host_port& to,
                                              bool for_peer,
                                              handler<socket_ptr> done) {
  auto job = std::make_shared<race>(ex_, std::move(done));
  dial_plan plan{binds_, for_peer ? allow_for_peer_ : nullptr, to};
  auto first = next_bind_++ % plan.binds.size();
  std::rotate(plan.binds.begin(), plan.binds.begin() + static_cast<int>(first),
              plan.binds.end());
  auto on_names = [job, plan = std::move(plan)](
                      result<std::vector<asio::ip::address>> found) {
    if (!found)
      return job->fail(found.error());
    auto candidates = plan.candidates(*found);
    if (!candidates)
      return job->fail(candidates.error());
    job->run(std::move(*candidates));
  };
  (for_peer ? peer_names_ : names_).lookup(to.host, std::move(on_names));
  return job;
}

} // namespace peapod::net
