#include "hosts/net/stun_client.hpp"

#include "hosts/net/origin_dialer.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <set>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

instant now() {
  return instant{std::chrono::steady_clock::now().time_since_epoch()};
}

/// Answers are short; what does not fit is none.
constexpr size_t max_datagram = 1500;

/// One question, kept alive by the operations on it. Connected, so that only
/// the server is heard.
class conversation : public std::enable_shared_from_this<conversation> {
public:
  conversation(const asio::any_io_executor& ex, const stun_id& id,
               handler<stun_answer> done)
    : socket_(ex), timer_(ex), query_(id), done_(std::move(done)) {}

  void start(const udp::endpoint& server, const source_bind& from) {
    if (auto opened = open(server, from); !opened)
      return settle(opened.error());
    query_.start(now());
    read();
    go_on();
  }

  void cancel() {
    settle(make_error(errc::cancelled, "called off"));
  }

private:
  result<void> open(const udp::endpoint& server, const source_bind& from) {
    auto where = "STUN server " + address_text(from_asio(server));
    error_code ec;
    socket_.open(server.protocol(), ec);
    if (ec)
      return error_of(ec, where);
    if (!from.interface.empty()) {
      auto bound = bind_to_interface(socket_.native_handle(), from.interface);
      if (!bound)
        return bound.error();
    }
    if (!from.address.empty()) {
      auto source = to_asio<udp::endpoint>(endpoint{from.address, 0});
      if (!source)
        return source.error();
      socket_.bind(*source, ec);
    }
    if (!ec)
      socket_.connect(server, ec);
    if (ec)
      return error_of(ec, where);
    return {};
  }

  void read() {
    socket_.async_receive(
        asio::buffer(buffer_),
        [self = shared_from_this()](error_code ec, size_t count) {
          if (!self->done_)
            return;
          // An error is the echo of a request (ICMP): the next may arrive.
          if (!ec)
            self->query_.receive(std::span{self->buffer_}.first(count));
          self->go_on();
          if (self->done_)
            self->read();
        });
  }

  void go_on() {
    if (auto request = query_.poll()) {
      error_code ignored; // as if it had been lost
      socket_.send(asio::buffer(*request), 0, ignored);
    }
    if (auto& outcome = query_.outcome())
      return settle(*outcome);
    auto deadline = query_.deadline();
    timer_.expires_at(asio::steady_timer::time_point{
        std::chrono::duration_cast<asio::steady_timer::duration>(
            deadline->time_since_epoch())});
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (ec || !self->done_)
        return;
      self->query_.expire(now());
      self->go_on();
    });
  }

  void settle(result<stun_answer> outcome) {
    if (!done_)
      return;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    std::exchange(done_, nullptr)(std::move(outcome));
  }

  udp::socket socket_;
  asio::steady_timer timer_;
  stun_query query_;
  handler<stun_answer> done_;
  std::array<uint8_t, max_datagram> buffer_{};
};

} // namespace

struct stun_client::state {
  state(const asio::any_io_executor& executor, host_port to,
        source_bind leaving_from, random_source source, name_resolver resolver)
    : ex(executor),
      server(std::move(to)),
      from(std::move(leaving_from)),
      random(std::move(source)),
      names(ex, {}, std::move(resolver)) {}

  asio::any_io_executor ex;
  host_port server;
  source_bind from;
  random_source random;
  dns_cache names;
  std::set<std::shared_ptr<conversation>> open;
};

stun_client::stun_client(asio::any_io_executor ex, host_port server,
                         source_bind from, random_source random,
                         name_resolver resolver)
  : state_(std::make_shared<state>(ex, std::move(server), std::move(from),
                                   std::move(random), std::move(resolver))) {}

stun_client::~stun_client() {
  state_->names.close();
  for (auto& x : std::exchange(state_->open, {}))
    x->cancel();
}

void stun_client::ask(address_family family, handler<stun_answer> done) {
  auto& st = *state_;
  st.names.lookup(
      st.server.host, family,
      [weak = std::weak_ptr{state_},
       done = std::move(done)](result<addresses> found) {
        auto all = weak.lock();
        if (!all)
          return done(make_error(errc::cancelled, "called off"));
        if (!found)
          return done(found.error());
        // An address has none of the other family.
        if (found->empty())
          return done(
              make_error(errc::dns_failed,
                         all->server.host + ": no address of this family"));
        stun_id id;
        all->random(id.bytes);
        auto key = std::make_shared<std::shared_ptr<conversation>>();
        auto x = std::make_shared<conversation>(
            all->ex, id, [weak, key, done](result<stun_answer> outcome) {
              if (auto still = weak.lock())
                still->open.erase(*key);
              key->reset();
              done(std::move(outcome));
            });
        *key = x;
        all->open.insert(x);
        x->start({found->front(), all->server.port}, all->from);
      });
}

} // namespace peapod::net
