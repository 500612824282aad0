#include "hosts/net/tcp_stream.hpp"

#include "hosts/net/interfaces.hpp"
#include "hosts/net/socket_address.hpp"
#include "hosts/net/tcp_connection.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using stream_handler = handler<std::shared_ptr<byte_stream>>;
using address_filter = std::function<bool(const std::string& address)>;

// -- dialling -----------------------------------------------------------------

/// One dial under way: a socket that races a timer.
class dial_attempt : public std::enable_shared_from_this<dial_attempt> {
public:
  dial_attempt(asio::any_io_executor executor, endpoint to, stream_handler done)
    : socket_(executor),
      timer_(executor),
      to_(std::move(to)),
      done_(std::move(done)) {}

  void start(duration timeout) {
    auto target = to_asio<tcp::endpoint>(to_);
    if (!target) {
      asio::post(
          socket_.get_executor(),
          [self = shared_from_this(), e = target.error()] { self->finish(e); });
      return;
    }
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec)
        self->give_up(errc::timed_out);
    });
    socket_.async_connect(*target, [self = shared_from_this()](error_code ec) {
      self->connected(ec);
    });
  }

  void cancel() {
    give_up(errc::cancelled);
  }

private:
  void give_up(errc why) {
    if (!reason_)
      reason_ = why;
    error_code ignored;
    socket_.close(ignored);
  }

  void connected(error_code ec) {
    timer_.cancel();
    auto where = address_text(to_);
    if (reason_ == errc::timed_out)
      return finish(make_error(errc::timed_out, where + ": no answer"));
    if (reason_)
      return finish(make_error(*reason_, where + ": dial called off"));
    if (ec)
      return finish(error_of(ec, where));
    finish(make_stream(std::move(socket_)));
  }

  void finish(result<std::shared_ptr<byte_stream>> outcome) {
    if (auto done = std::exchange(done_, nullptr))
      done(std::move(outcome));
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  endpoint to_;
  stream_handler done_;
  std::optional<errc> reason_;
};

class tcp_dialer : public stream_dialer {
public:
  explicit tcp_dialer(asio::any_io_executor executor)
    : executor_(std::move(executor)) {}

  ~tcp_dialer() override {
    for (auto& entry : attempts_)
      if (auto attempt = entry.lock())
        attempt->cancel();
  }

  void dial(endpoint to, duration timeout, stream_handler done) override {
    std::erase_if(attempts_, [](const auto& entry) { return entry.expired(); });
    auto attempt = std::make_shared<dial_attempt>(executor_, std::move(to),
                                                  std::move(done));
    attempts_.push_back(attempt);
    attempt->start(timeout);
  }

private:
  asio::any_io_executor executor_;
  std::vector<std::weak_ptr<dial_attempt>> attempts_;
};

// -- listening ----------------------------------------------------------------

/// How long to wait for descriptors or memory to become free again.
constexpr auto scarcity_pause = std::chrono::milliseconds(100);

/// How long a listener is looked for.
constexpr auto probe_time = std::chrono::seconds(1);

/// The listening socket, kept alive by the operations on it.
class listener : public std::enable_shared_from_this<listener> {
public:
  listener(tcp::acceptor acceptor, address_filter takes)
    : acceptor_(std::move(acceptor)),
      timer_(acceptor_.get_executor()),
      takes_(std::move(takes)) {}

  void accept(stream_handler done) {
    done_ = std::move(done);
    if (!acceptor_.is_open())
      return asio::post(acceptor_.get_executor(),
                        [self = shared_from_this()] { self->cancelled(); });
    next();
  }

  void close() {
    error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
  }

  endpoint local() const {
    error_code ec;
    auto at = acceptor_.local_endpoint(ec);
    return ec ? endpoint{} : from_asio(at);
  }

private:
  void next() {
    acceptor_.async_accept(
        [self = shared_from_this()](error_code ec, tcp::socket socket) {
          self->accepted(ec, std::move(socket));
        });
  }

  void accepted(error_code ec, tcp::socket socket) {
    if (!acceptor_.is_open())
      return cancelled();
    if (!ec && is_taken(socket))
      return finish(make_stream(std::move(socket)));
    if (ec == asio::error::operation_aborted)
      return cancelled();
    if (code_of(ec) == errc::limit_reached)
      return pause();
    // Any other error concerns the connection that was about to be accepted.
    next();
  }

  bool is_taken(const tcp::socket& socket) const {
    error_code ec;
    auto remote = socket.remote_endpoint(ec);
    return !takes_ || (!ec && takes_(from_asio(remote).address));
  }

  void pause() {
    timer_.expires_after(scarcity_pause);
    timer_.async_wait([self = shared_from_this()](error_code) {
      if (self->acceptor_.is_open())
        self->next();
      else
        self->cancelled();
    });
  }

  void cancelled() {
    finish(make_error(errc::cancelled, "listening ended"));
  }

  void finish(result<std::shared_ptr<byte_stream>> outcome) {
    if (auto done = std::exchange(done_, nullptr))
      done(std::move(outcome));
  }

  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  address_filter takes_;
  stream_handler done_;
};

class tcp_acceptor : public stream_acceptor {
public:
  tcp_acceptor(tcp::acceptor acceptor, address_filter takes)
    : listener_(
        std::make_shared<listener>(std::move(acceptor), std::move(takes))) {}

  ~tcp_acceptor() override {
    listener_->close();
  }

  void accept(stream_handler done) override {
    listener_->accept(std::move(done));
  }

  endpoint local() const override {
    return listener_->local();
  }

  void close() override {
    listener_->close();
  }

private:
  std::shared_ptr<listener> listener_;
};

/// What a user can do about a socket that cannot listen at `at`.
error listen_error(const error_code& ec, const endpoint& at) {
  auto where = address_text(at);
  switch (code_of(ec)) {
    case errc::address_in_use:
      return make_error(errc::address_in_use,
                        where
                            + " is taken: another peapod runs, or set "
                              "[transport] listen");
    case errc::permission_denied:
      return make_error(errc::permission_denied,
                        where
                            + " may not be used by this user: set [transport] "
                              "listen to a port above 1023");
    default:
      return make_error(code_of(ec), "cannot listen on " + where + ": "
                                         + ec.message()
                                         + "; check [transport] listen");
  }
}

tcp::acceptor open_acceptor(const asio::any_io_executor& executor,
                            const tcp::endpoint& at, error_code& ec) {
  tcp::acceptor out{executor};
  out.open(at.protocol(), ec);
  // Whether :: takes connections of IPv4 too is a setting of the system.
  if (!ec && at.address() == asio::ip::address_v6::any())
    out.set_option(asio::ip::v6_only(false), ec);
  if (!ec)
    out.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec)
    out.bind(at, ec);
  if (!ec)
    out.listen(asio::socket_base::max_listen_connections, ec);
  return out;
}

/// Whether there is no IPv6 on this machine.
bool lacks_ipv6(const error_code& ec) {
  return ec == asio::error::address_family_not_supported
         || ec == boost::system::errc::address_not_available;
}

} // namespace

std::unique_ptr<stream_dialer> make_dialer(asio::any_io_executor executor) {
  return std::make_unique<tcp_dialer>(std::move(executor));
}

result<std::unique_ptr<stream_acceptor>>
listen_stream(asio::any_io_executor executor, const endpoint& at,
              std::function<bool(const std::string& address)> takes) {
  auto local = to_asio<tcp::endpoint>(at);
  if (!local)
    return local.error();
  error_code ec;
  auto acceptor = open_acceptor(executor, *local, ec);
  auto every_v6 = local->address() == asio::ip::address_v6::any();
  if (every_v6 && lacks_ipv6(ec))
    acceptor = open_acceptor(executor, {tcp::v4(), at.port}, ec);
  if (ec)
    return listen_error(ec, at);
  return std::unique_ptr<stream_acceptor>(
      std::make_unique<tcp_acceptor>(std::move(acceptor), std::move(takes)));
}

bool is_listened_at(const endpoint& at) {
  auto to = to_asio<tcp::endpoint>(at);
  if (!to)
    return false;
  std::vector<std::string> addresses{at.address};
  if (to->address().is_unspecified()) {
    addresses = {"127.0.0.1", "::1"};
    if (auto own = own_addresses())
      addresses.insert(addresses.end(), own->begin(), own->end());
  }
  asio::io_context io;
  size_t refused = 0;
  std::vector<tcp::socket> probes;
  probes.reserve(addresses.size());
  for (auto& address : addresses)
    probes.emplace_back(io).async_connect(
        {asio::ip::make_address(address), at.port},
        [&](const error_code& ec) { refused += ec ? 1 : 0; });
  io.run_for(probe_time);
  return refused < addresses.size();
}

} // namespace peapod::net
