#include "hosts/net/http_ports.hpp"
#include "hosts/net/http_server_stream.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>

namespace peapod::net {

namespace {

using asio::ip::tcp;
using boost::system::error_code;

/// How long to wait for descriptors to become free.
constexpr auto shortage_wait = std::chrono::milliseconds(100);

/// The port's side of a connection: dropping it closes the connection.
class server_stream final : public http_server_stream {
public:
  explicit server_stream(std::shared_ptr<server_connection> state)
    : state_(std::move(state)) {}

  ~server_stream() override {
    state_->close(false);
  }

  void read_request(handler<request_head> done) override {
    run(state_->read_request(), std::move(done));
  }

  void read_body(size_t limit, handler<body_part> done) override {
    run(state_->read_body(limit), std::move(done));
  }

  void write_head(response_head head, handler<void> done) override {
    run(state_->write_head(std::move(head)), std::move(done));
  }

  void write_body(body_part part, handler<void> done) override {
    run(state_->write_body(std::move(part)), std::move(done));
  }

  void relay_response(std::shared_ptr<http_exchange> origin,
                      handler<relay_totals> done) override {
    run(state_->relay_response(std::move(origin)), std::move(done));
  }

  void pass_response(response_head head, std::shared_ptr<http_exchange> origin,
                     handler<relay_totals> done) override {
    run(state_->pass_response(std::move(head), std::move(origin)),
        std::move(done));
  }

  void relay_request(std::shared_ptr<http_exchange> origin,
                     handler<relay_totals> done) override {
    run(state_->relay_request(std::move(origin)), std::move(done));
  }

  void tunnel(host_port target, std::function<void()> opened,
              handler<relay_totals> done) override {
    state_->tunnel(std::move(target), std::move(opened), std::move(done));
  }

  bool keep_alive() const override {
    return state_->keep_alive();
  }

  endpoint remote() const override {
    return state_->remote();
  }

  void close(bool abort) override {
    state_->close(abort);
  }

private:
  template <class T>
  void run(task<T> work, handler<T> done) {
    start(state_->executor(), state_, std::move(work), std::move(done));
  }

  std::shared_ptr<server_connection> state_;
};

using stream_ptr = std::shared_ptr<http_server_stream>;

/// Whether the process or the system has too many files open, or no memory.
bool is_shortage(const error_code& ec) {
  namespace code = boost::system::errc;
  return code_of(ec) == errc::limit_reached
         || ec == code::too_many_files_open_in_system;
}

struct acceptor_state {
  explicit acceptor_state(const asio::any_io_executor& ex)
    : ex(ex), listener(ex), timer(ex) {}

  /// The next connection; a shortage of descriptors is waited out, clients
  /// that are gone again are skipped.
  task<stream_ptr> accept() {
    while (!closed) {
      auto [ec, socket] = co_await listener.async_accept(as_value);
      if (!ec) {
        auto state =
            std::make_shared<server_connection>(std::move(socket), shared);
        co_return std::make_shared<server_stream>(std::move(state));
      }
      if (closed)
        break;
      if (is_shortage(ec)) {
        timer.expires_after(shortage_wait);
        co_await timer.async_wait(as_value);
      } else if (ec != asio::error::connection_aborted) {
        co_return error_of(ec, "accepting a client");
      }
    }
    co_return make_error(errc::cancelled, "called off");
  }

  void close() {
    closed = true;
    error_code ec;
    listener.close(ec);
    timer.cancel();
  }

  asio::any_io_executor ex;
  tcp::acceptor listener;
  asio::steady_timer timer;
  std::shared_ptr<server_context> shared;
  endpoint local;
  bool closed = false;
};

class acceptor final : public http_acceptor {
public:
  explicit acceptor(std::shared_ptr<acceptor_state> state)
    : state_(std::move(state)) {}

  ~acceptor() override {
    state_->close();
  }

  void accept(handler<stream_ptr> done) override {
    start(state_->ex, state_, state_->accept(), std::move(done));
  }

  endpoint local() const override {
    return state_->local;
  }

  void close() override {
    state_->close();
  }

private:
  std::shared_ptr<acceptor_state> state_;
};

error listen_error(const error_code& ec, const endpoint& local) {
  auto where = address_text(local);
  switch (code_of(ec)) {
    case errc::address_in_use:
      return make_error(errc::address_in_use,
                        where
                            + " is taken by another program; set [proxy] "
                              "listen");
    case errc::permission_denied:
      return make_error(errc::permission_denied,
                        where
                            + " needs more rights; set [proxy] listen to a "
                              "port from 1024 on");
    default:
      return error_of(ec, "listening at " + where);
  }
}

error_code open_listener(tcp::acceptor& listener, const tcp::endpoint& at) {
  error_code ec;
  listener.open(at.protocol(), ec);
  if (!ec)
    listener.set_option(asio::socket_base::reuse_address{true}, ec);
  if (!ec)
    listener.bind(at, ec);
  if (!ec)
    listener.listen(asio::socket_base::max_listen_connections, ec);
  return ec;
}

} // namespace

result<std::unique_ptr<http_acceptor>>
listen_http(asio::any_io_executor ex, const endpoint& local,
            std::vector<source_bind> binds, tunnel_limits limits) {
  auto at = to_asio<tcp::endpoint>(local);
  if (!at)
    return at.error();
  auto state = std::make_shared<acceptor_state>(ex);
  if (auto ec = open_listener(state->listener, *at))
    return listen_error(ec, local);
  error_code ec;
  state->local = from_asio(state->listener.local_endpoint(ec));
  state->shared = std::make_shared<server_context>(
      server_context{{ex, std::move(binds)}, {}, limits});
  return std::unique_ptr<http_acceptor>{
      std::make_unique<acceptor>(std::move(state))};
}

} // namespace peapod::net
