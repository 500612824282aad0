#pragma once

#include "hosts/net/http_await.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace peapod::net {

/// A connected socket, with or without TLS. One read and one write may be
/// outstanding at a time.
class transport {
public:
  virtual ~transport() = default;

  /// Reads at least one byte; 0 is the clean end of the stream. Errors:
  /// `connection_closed` for any other end, `cancelled`, `io_failed`.
  virtual task<size_t> read_some(std::span<uint8_t> into) = 0;

  /// The same without a coroutine. The transport and `into` must outlive it.
  virtual void receive(std::span<uint8_t> into, handler<size_t> done) = 0;

  /// Writes all of `bytes`, which must stay where they are until then. Errors
  /// as in `read_some`.
  virtual task<void> write(std::span<const asio::const_buffer> bytes) = 0;

  /// Writes as many of `bytes` as can go at once, for an operation that costs
  /// no turn of the event loop; `write` brings the rest, or its error.
  virtual size_t write_now(std::span<const asio::const_buffer> bytes) {
    static_cast<void>(bytes);
    return 0;
  }

  /// Tells the other side that nothing more will be written.
  virtual task<void> finish_writing() = 0;

  /// The socket, under TLS if there is any.
  virtual asio::ip::tcp::socket& socket() = 0;

  /// Whether the socket carries the bytes as they are, so that they may be
  /// moved past this object.
  virtual bool is_plain() const = 0;

  /// Whom errors name.
  virtual std::string name() const = 0;

  /// Writes one text.
  task<void> write_text(std::string text);

  /// Ends outstanding operations with `cancelled`.
  void cancel();

  /// Closes the connection, at once.
  void close();

  /// Closes the connection so that the other side sees a reset.
  void reset();

  /// Whether an idle connection has something to read: bytes nobody asked
  /// for, or its end. Either way it is of no use for another request.
  virtual bool is_stale();

  /// What the socket has failed with, a reset for example, if nobody has been
  /// told so far.
  boost::system::error_code take_failure();
};

/// A transport without TLS; sets TCP_NODELAY and SO_KEEPALIVE, and makes
/// operations that are not asynchronous return instead of waiting. `remote` is
/// where the socket leads, if that is known already, and `has_options` whether
/// it has those two.
std::shared_ptr<transport>
make_plain_transport(asio::ip::tcp::socket socket,
                     asio::ip::tcp::endpoint remote = {},
                     bool has_options = false);

/// Sets TCP_NODELAY and SO_KEEPALIVE.
template <class Socket>
void set_plain_options(Socket& socket) {
  boost::system::error_code ec;
  socket.set_option(asio::ip::tcp::no_delay{true}, ec);
  socket.set_option(asio::socket_base::keep_alive{true}, ec);
}

/// Whether both are set.
bool has_plain_options(const asio::ip::tcp::socket& socket);

/// The error of an operation on a connection to `who`.
error transport_error(const boost::system::error_code& ec,
                      const std::string& who);

} // namespace peapod::net
