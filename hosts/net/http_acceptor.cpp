#include "hosts/net/descriptors.hpp"
#include "hosts/net/http_parse.hpp"
#include "hosts/net/http_ports.hpp"
#include "hosts/net/http_server_stream.hpp"
#include "hosts/net/idle_clients.hpp"
#include "hosts/net/socket_address.hpp"
#include "hosts/net/spare_descriptor.hpp"
#include "hosts/net/turn_away.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <utility>

namespace peapod::net {

namespace {

using asio::ip::tcp;
using boost::system::error_code;

/// How long to wait for descriptors to become free.
constexpr auto shortage_wait = std::chrono::milliseconds(100);

/// Clients that are turned away and still hold a descriptor, at a time.
constexpr size_t max_refusals = 16;

/// What the connections of one listener have to do with each other.
struct crowd {
  explicit crowd(known_limit& descriptors) : descriptors(descriptors) {}

  known_limit& descriptors;
  idle_clients idle;
  size_t refusals = 0;
  size_t max_header = max_head_size;
  bool tight = false; ///< descriptors were few, and still may be
};

using crowd_ptr = std::shared_ptr<crowd>;

/// The bytes of a head, about as it came.
size_t size_of(const request_head& x) {
  auto out = x.method.size() + x.target.target.size();
  for (const auto& field : x.fields)
    out += field.name.size() + field.value.size() + 4;
  return out;
}

/// How many descriptors are left besides a client's own.
enum class supply {
  plenty,
  few,  ///< it can be served if another client goes
  none, ///< the last ones are not for clients
};

/// A low number is good news only while nobody has had to make room: those who
/// did have left low numbers behind.
supply supply_after(int handle, crowd& others) {
  auto limit = others.descriptors.get();
  if (is_scarce(handle, descriptor_use::origin, limit)) {
    others.tight = true;
    return supply::none;
  }
  others.tight =
      is_scarce(handle, descriptor_use::client, limit)
      || (others.tight && is_scarce_by_count(descriptor_use::client, limit));
  return others.tight ? supply::few : supply::plenty;
}

/// The port's side of a connection: dropping it closes the connection.
class server_stream final : public http_server_stream {
public:
  server_stream(tcp::socket socket, tcp::endpoint remote,
                std::shared_ptr<server_context> shared, crowd_ptr others)
    : socket_(std::move(socket)),
      remote_(std::move(remote)),
      shared_(std::move(shared)),
      others_(std::move(others)),
      supply_(supply_after(socket_.native_handle(), *others_)) {}

  ~server_stream() override {
    if (state_)
      state_->close(false);
  }

  /// Between two requests the connection may have to make room for another.
  void read_request(handler<request_head> done) override {
    idle_clients::ticket waiting = 0;
    if (std::exchange(asked_, true))
      waiting = others_->idle.enter([state = state_] { state->close_idle(); });
    auto check = [others = others_, waiting,
                  done = std::move(done)](result<request_head> head) {
      others->idle.leave(waiting);
      if (head && size_of(*head) > others->max_header)
        head = make_error(errc::bad_http, "431 header too large");
      done(std::move(head));
    };
    connection().read_request(std::move(check));
  }

  void read_body(size_t limit, handler<body_part> done) override {
    run(connection().read_body(limit), std::move(done));
  }

  void write_head(response_head head, handler<void> done) override {
    run(connection().write_head(std::move(head)), std::move(done));
  }

  void write_body(body_parts parts, handler<void> done) override {
    run(connection().write_body(std::move(parts)), std::move(done));
  }

  void relay_response(std::shared_ptr<http_exchange> origin,
                      handler<relay_totals> done) override {
    run(connection().relay_response(std::move(origin)), std::move(done));
  }

  void pass_response(response_head head, std::shared_ptr<http_exchange> origin,
                     handler<relay_totals> done) override {
    connection().pass_response(std::move(head), std::move(origin),
                               std::move(done));
  }

  void relay_request(std::shared_ptr<http_exchange> origin,
                     handler<relay_totals> done) override {
    run(connection().relay_request(std::move(origin)), std::move(done));
  }

  void tunnel(host_port target, line_wish over, std::function<void()> opened,
              handler<relay_totals> done) override {
    connection().tunnel(std::move(target), std::move(over), std::move(opened),
                        std::move(done));
  }

  void accept_tunnel(handler<std::shared_ptr<tunnel_stream>> done) override {
    connection().accept_tunnel(std::move(done));
  }

  void resume_tunnel(host_port target, line_wish over, slice first,
                     handler<relay_totals> done) override {
    connection().resume_tunnel(std::move(target), std::move(over),
                               std::move(first), std::move(done));
  }

  bool keep_alive() const override {
    return state_ && state_->keep_alive();
  }

  endpoint remote() const override {
    return from_asio(remote_);
  }

  endpoint local() const override {
    error_code ec;
    auto at = (state_ ? state_->socket() : socket_).local_endpoint(ec);
    return ec ? endpoint{} : from_asio(at);
  }

  bool is_one_too_many() const override {
    return supply_ != supply::plenty;
  }

  bool can_be_served() const override {
    return supply_ != supply::none;
  }

  void turn_away(const std::string& why) override {
    if (supply_ == supply::none || others_->refusals >= max_refusals)
      return turn_away_now(socket_, why, shared_->date_now());
    connection();
    ++others_->refusals;
    run(net::turn_away(state_, why),
        handler<void>{[others = others_](auto) { --others->refusals; }});
    // From here on it closes by itself.
    state_.reset();
  }

  void close(bool abort) override {
    connection().close(abort);
  }

  bool lost_request() const override {
    return state_ && state_->lost_request();
  }

  void watch_client(client_patience how, std::function<void()> gone) override {
    connection().watch_client(how, std::move(gone));
  }

private:
  /// Made when it is needed: who is turned away at once has none.
  server_connection& connection() {
    if (!state_)
      state_ = std::make_shared<server_connection>(std::move(socket_), remote_,
                                                   std::move(shared_));
    return *state_;
  }

  template <class T>
  void run(task<T> work, handler<T> done) {
    start(state_->executor(), state_, std::move(work), std::move(done));
  }

  tcp::socket socket_;
  tcp::endpoint remote_;
  std::shared_ptr<server_context> shared_;
  crowd_ptr others_;
  supply supply_;
  bool asked_ = false; // for a request, at least once
  std::shared_ptr<server_connection> state_;
};

using stream_ptr = std::shared_ptr<http_server_stream>;

/// Whether the process or the system has too many files open, or no memory.
bool is_shortage(const error_code& ec) {
  namespace code = boost::system::errc;
  return code_of(ec) == errc::limit_reached
         || ec == code::too_many_files_open_in_system;
}

struct acceptor_state : std::enable_shared_from_this<acceptor_state> {
  explicit acceptor_state(const asio::any_io_executor& ex)
    : ex(ex),
      listener(ex),
      timer(ex),
      others(std::make_shared<crowd>(limit_known_to(ex))) {}

  /// The next connection. Without a descriptor for it, the spare one is given
  /// up; when that does not help, a shortage is waited out. Clients that are
  /// gone again are skipped.
  void accept(handler<stream_ptr> done) {
    spare.take();
    wait_for_client(std::move(done));
  }

  void wait_for_client(handler<stream_ptr> done) {
    auto accepted = [self = shared_from_this(), done = std::move(done)](
                        error_code ec, tcp::socket socket) mutable {
      self->on_accepted(ec, std::move(socket), std::move(done));
    };
    listener.async_accept(remote, std::move(accepted));
  }

  void on_accepted(error_code ec, tcp::socket socket,
                   handler<stream_ptr> done) {
    if (!ec)
      done(guarded([&] { return make_stream(std::move(socket)); }));
    else if (closed)
      done(make_error(errc::cancelled, "called off"));
    else if (is_shortage(ec) && !spare.give_up())
      wait_for_descriptors(std::move(done));
    else if (is_shortage(ec) || ec == asio::error::connection_aborted)
      wait_for_client(std::move(done));
    else
      done(error_of(ec, "accepting a client"));
  }

  /// Whether sockets get their options from the listener is up to the system:
  /// the first one tells.
  result<stream_ptr> make_stream(tcp::socket socket) {
    if (!std::exchange(looked, true))
      shared->has_options = has_plain_options(socket);
    return std::make_shared<server_stream>(std::move(socket), remote, shared,
                                           others);
  }

  void wait_for_descriptors(handler<stream_ptr> done) {
    timer.expires_after(shortage_wait);
    timer.async_wait([self = shared_from_this(),
                      done = std::move(done)](error_code) mutable {
      self->accept(std::move(done));
    });
  }

  void close() {
    closed = true;
    error_code ec;
    listener.close(ec);
    timer.cancel();
  }

  asio::any_io_executor ex;
  tcp::acceptor listener;
  tcp::endpoint remote; ///< of the client that is being accepted
  asio::steady_timer timer;
  spare_descriptor spare;
  crowd_ptr others;
  std::shared_ptr<server_context> shared;
  endpoint local;
  bool looked = false;
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
    state_->accept(std::move(done));
  }

  endpoint local() const override {
    return state_->local;
  }

  void close() override {
    state_->close();
  }

  bool close_idle() override {
    return state_->others->idle.close_oldest();
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
  set_plain_options(listener);
  if (!ec)
    listener.bind(at, ec);
  if (!ec)
    listener.listen(asio::socket_base::max_listen_connections, ec);
  return ec;
}

} // namespace

result<std::unique_ptr<http_acceptor>>
listen_http(asio::any_io_executor ex, const endpoint& local, wan_config wan,
            tunnel_limits limits, size_t max_header) {
  auto at = to_asio<tcp::endpoint>(local);
  if (!at)
    return at.error();
  auto state = std::make_shared<acceptor_state>(ex);
  if (auto ec = open_listener(state->listener, *at))
    return listen_error(ec, local);
  state->others->max_header = max_header;
  error_code ec;
  state->local = from_asio(state->listener.local_endpoint(ec));
  wan.self = state->local;
  auto own = wan.own;
  auto epoch = wan.epoch;
  state->shared = std::make_shared<server_context>(
      server_context{.dialer = {ex, std::move(wan)},
                     .tools = {},
                     .limits = limits,
                     .own = std::move(own),
                     .spare_blocks = {}});
  auto tell = [tools = &state->shared->tools](auto& addresses) {
    tools->lose_unless_from(addresses);
  };
  state->shared->lost = std::make_unique<lost_addresses>(ex, epoch, tell);
  return std::unique_ptr<http_acceptor>{
      std::make_unique<acceptor>(std::move(state))};
}

} // namespace peapod::net
