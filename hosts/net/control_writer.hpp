#pragma once

#include "hosts/net/control_server.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <functional>
#include <memory>
#include <string>

namespace peapod::net {

using control_socket = boost::asio::local::stream_protocol;
using control_client = boost::beast::basic_stream<control_socket>;

/// Sends a `control_stream` to a client, after the head of the answer. What
/// comes within some milliseconds goes out at once. Ends when the source ends,
/// when the client goes away, and when it takes nothing for long.
class control_writer : public std::enable_shared_from_this<control_writer> {
public:
  /// `chunked`: in the chunked coding (RFC 9112, 7.1), else up to the end of
  /// the connection.
  control_writer(control_client& client, std::unique_ptr<control_stream> source,
                 control_limits limits, bool chunked);

  /// Begins with `head`; `ended` is called when nothing more will be sent, and
  /// is kept until then: it may own the client.
  void start(std::string head, std::function<void()> ended);

  /// Sends nothing more, and does not call `ended`.
  void stop();

private:
  using error_code = boost::system::error_code;

  void watch();
  void next();
  void wait();
  void woken();
  void send(std::string text);
  void write();
  void written(error_code ec, size_t count);
  void finish();
  std::string framed(std::string text) const;
  std::function<void()> make_ready();

  control_client& client_;
  std::unique_ptr<control_stream> source_;
  control_limits limits_;
  bool chunked_;
  std::function<void()> ended_;
  boost::asio::steady_timer timer_;
  std::string out_;
  size_t sent_ = 0;
  char unwanted_ = 0;
  bool waits_ = false; ///< for the source
  bool last_ = false;  ///< `out_` is the last that is sent
};

} // namespace peapod::net
