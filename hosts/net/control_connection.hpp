#pragma once

#include "hosts/net/control_server.hpp"
#include "hosts/net/control_writer.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <memory>
#include <optional>

namespace peapod::net {

/// One client of the control socket: reads requests and writes answers, one
/// after another; a stream is the last answer. Kept alive by the operation
/// under way or by the reply that is awaited.
class control_connection
  : public std::enable_shared_from_this<control_connection> {
public:
  /// `streams` counts the streams of all connections.
  control_connection(control_socket::socket socket, control_handler handler,
                     control_limits limits, std::shared_ptr<size_t> streams);

  ~control_connection();

  /// Reads the next request.
  void read();

  void close();

private:
  using response_type =
      boost::beast::http::response<boost::beast::http::string_body>;
  using error_code = boost::system::error_code;

  void received(error_code ec);
  control_reply make_reply();
  void refuse(unsigned status);
  void write(control_response x);
  void write_plain();
  void write_stream(std::unique_ptr<control_stream> source);
  bool take_slot();

  control_client stream_;
  control_handler handler_;
  control_limits limits_;
  std::shared_ptr<size_t> streams_;
  bool has_slot_ = false;
  boost::beast::flat_buffer buffer_;
  std::optional<
      boost::beast::http::request_parser<boost::beast::http::string_body>>
      parser_;
  std::optional<response_type> response_;
  std::optional<
      boost::beast::http::response_serializer<boost::beast::http::string_body>>
      serializer_;
  std::shared_ptr<control_writer> writer_;
  unsigned version_ = 11; ///< of the request: 11 is HTTP/1.1
  bool keep_alive_ = false;
  bool head_only_ = false;
};

} // namespace peapod::net
