#include "hosts/net/http_transport.hpp"

#include "hosts/net/socket_address.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace peapod::net {

namespace {

using asio::ip::tcp;

/// What a socket would fail with, as one of Asio's socket options.
struct pending_error {
  int value = 0;

  template <class Protocol>
  int level(const Protocol&) const {
    return SOL_SOCKET;
  }
  template <class Protocol>
  int name(const Protocol&) const {
    return SO_ERROR;
  }
  template <class Protocol>
  void* data(const Protocol&) {
    return &value;
  }
  template <class Protocol>
  size_t size(const Protocol&) const {
    return sizeof(value);
  }
  template <class Protocol>
  void resize(const Protocol&, size_t) {}
};

class plain_transport final : public transport {
public:
  plain_transport(tcp::socket socket, tcp::endpoint remote, bool has_options)
    : socket_(std::move(socket)), remote_(std::move(remote)) {
    boost::system::error_code ec;
    if (remote_.port() == 0)
      remote_ = socket_.remote_endpoint(ec);
    if (!has_options)
      set_plain_options(socket_);
    if (!socket_.non_blocking())
      socket_.non_blocking(true, ec);
  }

  task<size_t> read_some(std::span<uint8_t> into) override {
    auto room = asio::buffer(into.data(), into.size());
    auto [ec, n] = co_await socket_.async_read_some(room, as_value);
    if (ec && ec != asio::error::eof)
      co_return transport_error(ec, name());
    co_return n;
  }

  void receive(std::span<uint8_t> into, handler<size_t> done) override {
    auto received = [this, done = std::move(done)](
                        const boost::system::error_code& ec, size_t n) {
      if (ec && ec != asio::error::eof)
        done(transport_error(ec, name()));
      else
        done(n);
    };
    socket_.async_read_some(asio::buffer(into.data(), into.size()),
                            std::move(received));
  }

  size_t write_now(std::span<const asio::const_buffer> bytes) override {
    boost::system::error_code ec;
    return bytes.size() == 1 ? socket_.write_some(bytes.front(), ec)
                             : socket_.write_some(bytes, ec);
  }

  task<void> write(std::span<const asio::const_buffer> bytes) override {
    auto [ec, n] = co_await asio::async_write(socket_, bytes, as_value);
    if (ec)
      co_return transport_error(ec, name());
    co_return result<void>{};
  }

  task<void> finish_writing() override {
    boost::system::error_code ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
    if (ec)
      co_return transport_error(ec, name());
    co_return result<void>{};
  }

  tcp::socket& socket() override {
    return socket_;
  }

  bool is_plain() const override {
    return true;
  }

  std::string name() const override {
    return remote_.port() == 0 ? "connection"
                               : address_text(from_asio(remote_));
  }

private:
  tcp::socket socket_;
  tcp::endpoint remote_;
};

} // namespace

task<void> transport::write_text(std::string text) {
  auto bytes = asio::const_buffer{text.data(), text.size()};
  auto sent = write_now(std::span<const asio::const_buffer>{&bytes, 1});
  if (sent == text.size())
    co_return result<void>{};
  bytes += sent;
  auto all = std::span<const asio::const_buffer>{&bytes, 1};
  co_return co_await write(all);
}

void transport::cancel() {
  boost::system::error_code ec;
  socket().cancel(ec);
}

void transport::close() {
  boost::system::error_code ec;
  socket().close(ec);
}

void transport::reset() {
  boost::system::error_code ec;
  socket().set_option(asio::socket_base::linger{true, 0}, ec);
  socket().close(ec);
}

bool transport::is_stale() {
  boost::system::error_code ec;
  char byte;
  socket().receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, ec);
  return ec != asio::error::would_block;
}

boost::system::error_code transport::take_failure() {
  boost::system::error_code ec;
  pending_error now;
  socket().get_option(now, ec);
  return {now.value, boost::system::system_category()};
}

std::shared_ptr<transport> make_plain_transport(tcp::socket socket,
                                                tcp::endpoint remote,
                                                bool has_options) {
  return std::make_shared<plain_transport>(std::move(socket), std::move(remote),
                                           has_options);
}

bool has_plain_options(const tcp::socket& socket) {
  boost::system::error_code ec;
  tcp::no_delay at_once;
  asio::socket_base::keep_alive probing;
  socket.get_option(at_once, ec);
  if (!ec)
    socket.get_option(probing, ec);
  return !ec && at_once.value() && probing.value();
}

error transport_error(const boost::system::error_code& ec,
                      const std::string& who) {
  auto out = error_of(ec, who);
  if (out.code == errc::cancelled)
    return make_error(errc::cancelled, "called off");
  // A socket that we closed ourselves has no descriptor any more.
  if (ec == asio::error::bad_descriptor)
    return make_error(errc::cancelled, "called off");
  return out;
}

} // namespace peapod::net
