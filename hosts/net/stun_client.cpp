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

/// One question, kept alive by the operations on it. Only the server is
/// believed; of others it is remembered that they have answered.
class conversation : public std::enable_shared_from_this<conversation> {
public:
  conversation(const asio::any_io_executor& ex, const stun_id& id,
               handler<stun_answer> done)
    : socket_(ex), timer_(ex), id_(id), query_(id), done_(std::move(done)) {}

  void start(const udp::endpoint& server, const source_bind& from) {
    server_ = server;
    if (auto opened = open(from); !opened)
      return settle(opened.error());
    query_.start(now());
    read();
    go_on();
  }

  void cancel() {
    settle(make_error(errc::cancelled, "called off"));
  }

private:
  result<void> open(const source_bind& from) {
    error_code ec;
    socket_.open(server_.protocol(), ec);
    if (ec)
      return error_of(ec, where());
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
    if (ec)
      return error_of(ec, where());
    return {};
  }

  std::string where() const {
    return "STUN server " + address_text(from_asio(server_));
  }

  void read() {
    socket_.async_receive_from(
        asio::buffer(buffer_), sender_,
        [self = shared_from_this()](error_code ec, size_t count) {
          if (!self->done_)
            return;
          // An error is the echo of a request (ICMP): the next may arrive.
          if (!ec)
            self->take(std::span{self->buffer_}.first(count));
          self->go_on();
          if (self->done_)
            self->read();
        });
  }

  void take(std::span<const uint8_t> in) {
    if (sender_ == server_)
      query_.receive(in);
    else if (read_stun_answer(in, id_))
      stranger_ = text_of(sender_.address());
  }

  void go_on() {
    if (auto request = query_.poll()) {
      // The server has had as long as somebody else, and more.
      if (!stranger_.empty())
        return settle(
            make_error(errc::bad_http,
                       "the STUN server was asked at "
                           + text_of(server_.address()) + ", but " + stranger_
                           + " answers, which is not believed: name that "
                             "address, or have it answer from its own"));
      error_code failure;
      socket_.send_to(asio::buffer(*request), server_, 0, failure);
      // The first tells whether there is a way; others are as if lost.
      if (failure && !std::exchange(sent_, true))
        return settle(error_of(failure, where()));
      sent_ = true;
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
  udp::endpoint server_;
  udp::endpoint sender_;
  std::string stranger_; ///< who has answered without having been asked
  bool sent_ = false;    ///< the question, at least once
  stun_id id_;
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
