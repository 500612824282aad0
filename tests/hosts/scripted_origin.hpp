#pragma once

#include "actors/ports.hpp"
#include "core/http_date.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The other ends of connections, on loopback and in the test's own thread.
namespace peapod::net::test {

namespace asio = boost::asio;
using asio::ip::tcp;

/// The event loop of a test.
class loop {
public:
  asio::io_context io;

  /// Runs until `done()` holds; false when it does not within `limit`.
  bool until(const std::function<bool()>& done,
             std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    auto end = std::chrono::steady_clock::now() + limit;
    while (!done() && std::chrono::steady_clock::now() < end) {
      io.restart();
      io.run_one_until(end);
    }
    return done();
  }

  /// Runs everything that is ready now.
  void settle() {
    io.restart();
    io.poll();
  }

  /// Starts an operation of a port and runs until its handler was called.
  template <class T, class Operation>
  result<T> await(Operation operation) {
    auto out = std::make_shared<std::optional<result<T>>>();
    operation([out](result<T> x) { out->emplace(std::move(x)); });
    until([&] { return out->has_value(); });
    if (!*out)
      return make_error(errc::timed_out, "the test's patience has ended");
    return std::move(**out);
  }
};

/// A socket that records what it receives and sends what it is told.
class raw_peer : public std::enable_shared_from_this<raw_peer> {
public:
  explicit raw_peer(tcp::socket socket) : socket_(std::move(socket)) {}

  std::string received;
  bool ended = false;     ///< the other side has sent all
  bool was_reset = false; ///< by a reset
  size_t streamed = 0;    ///< bytes that `stream` has got rid of
  std::function<void(raw_peer&)> on_data;

  /// Records until the end.
  void listen() {
    auto done = [self = shared_from_this()](auto ec, size_t n) {
      self->received.append(self->buffer_.data(), n);
      if (n > 0 && self->on_data)
        self->on_data(*self);
      if (!ec)
        return self->listen();
      self->ended = true;
      self->was_reset = ec != asio::error::eof;
    };
    socket_.async_read_some(asio::buffer(buffer_), std::move(done));
  }

  void send(std::string_view text) {
    asio::write(socket_, asio::buffer(text.data(), text.size()));
  }

  /// The same to whoever may have gone.
  void try_send(std::string_view text) {
    boost::system::error_code ec;
    asio::write(socket_, asio::buffer(text.data(), text.size()), ec);
  }

  /// Sends without waiting for a reader; one text at a time.
  void stream(std::string text) {
    streamed = 0;
    text_ = std::move(text);
    stream_rest();
  }

  /// The system keeps little of what it does not read; else, where a system
  /// allows it, tens of megabytes.
  void keep_little() {
    socket_.set_option(asio::socket_base::receive_buffer_size(65536));
  }

  void half_close() {
    socket_.shutdown(tcp::socket::shutdown_send);
  }

  void close() {
    socket_.close();
  }

  void reset() {
    socket_.set_option(asio::socket_base::linger{true, 0});
    socket_.close();
  }

  /// Takes a head off what was received; empty when it is incomplete.
  std::string take_head() {
    auto end = received.find("\r\n\r\n");
    if (end == std::string::npos)
      return {};
    auto out = received.substr(0, end + 4);
    received.erase(0, end + 4);
    return out;
  }

private:
  void stream_rest() {
    auto done = [self = shared_from_this()](auto ec, size_t n) {
      self->streamed += n;
      if (!ec && self->streamed < self->text_.size())
        self->stream_rest();
    };
    socket_.async_write_some(asio::buffer(text_) + streamed, std::move(done));
  }

  tcp::socket socket_;
  std::string text_;
  std::array<char, 65536> buffer_;
};

using raw_peer_ptr = std::shared_ptr<raw_peer>;

/// Connects a raw client, which does not read before it listens.
inline raw_peer_ptr connect_silent(loop& l, const endpoint& to) {
  tcp::socket socket{l.io};
  socket.connect({asio::ip::make_address(to.address), to.port});
  return std::make_shared<raw_peer>(std::move(socket));
}

/// Connects a raw client.
inline raw_peer_ptr connect_raw(loop& l, const endpoint& to) {
  auto out = connect_silent(l, to);
  out->listen();
  return out;
}

/// An origin that does what `script` says whenever a connection has received
/// something.
class scripted_origin {
public:
  explicit scripted_origin(loop& l,
                           std::function<void(raw_peer&)> script = nullptr)
    : script_(std::move(script)),
      acceptor_(l.io, {asio::ip::address_v4::loopback(), 0}) {
    accept();
  }

  std::vector<raw_peer_ptr> peers;

  uint16_t port() const {
    return acceptor_.local_endpoint().port();
  }

private:
  void accept() {
    acceptor_.async_accept([this](auto ec, tcp::socket socket) {
      if (ec)
        return;
      auto peer = std::make_shared<raw_peer>(std::move(socket));
      peer->on_data = script_;
      peers.push_back(peer);
      peer->listen();
      accept();
    });
  }

  std::function<void(raw_peer&)> script_;
  tcp::acceptor acceptor_;
};

/// A script that answers each request head with `response`.
inline std::function<void(raw_peer&)> answering(std::string response) {
  return [response = std::move(response)](raw_peer& peer) {
    while (!peer.take_head().empty())
      peer.send(response);
  };
}

/// A GET (or another method without a body) for `/` at 127.0.0.1.
inline request_head request_to(uint16_t port, std::string method = "GET") {
  request_head out;
  out.method = std::move(method);
  out.target = url{"http", "127.0.0.1", port, "/", false};
  return out;
}

inline result<response_head> read_head(loop& l, http_exchange& x) {
  return l.await<response_head>([&](auto done) { x.read_head(done); });
}

/// The whole body, or the error that it ends with.
inline result<std::string> read_all(loop& l, http_exchange& x,
                                    size_t limit = 65536) {
  std::string out;
  while (true) {
    auto part =
        l.await<body_part>([&](auto done) { x.read_body(limit, done); });
    if (!part)
      return part.error();
    out += part->bytes.text();
    if (part->last)
      return out;
  }
}

inline result<void> write_part(loop& l, http_exchange& x, std::string_view text,
                               bool last) {
  body_part part{slice{text}, last};
  return l.await<void>([&](auto done) { x.write_body(part, done); });
}

/// A message without the `Date` that its head must have once, and which must be
/// of about now.
inline std::string without_date(std::string text) {
  constexpr std::string_view name = "\r\nDate: ";
  auto begin = text.find(name);
  auto end = text.find("\r\n", begin + name.size());
  if (begin > text.find("\r\n\r\n")
      || text.find(name, end) < text.find("\r\n\r\n"))
    return "no Date, or two: " + text;
  auto value = text.substr(begin + name.size(), end - begin - name.size());
  auto date = parse_http_date(value);
  auto now = std::chrono::system_clock::now();
  if (!date || *date > now || *date < now - std::chrono::minutes(1))
    return "another Date: " + text;
  return text.erase(begin, end - begin);
}

/// The code of an error, or nothing for a value.
template <class T>
std::optional<errc> code_of_error(const result<T>& x) {
  return x ? std::nullopt : std::optional{x.error().code};
}

} // namespace peapod::net::test
