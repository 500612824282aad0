#pragma once

#include "core/error.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace peapod::net {

/// A request of somebody who may use the control socket.
struct control_request {
  std::string method; ///< as in `GET`
  std::string target; ///< as in `/v1/status`
  std::string body;
};

/// The answer to it.
struct control_response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// Takes the answer: from any thread, at any time, the first call counts.
/// Dropping it unanswered closes the connection.
using control_reply = std::function<void(control_response)>;

/// Answers requests; called on the server's executor.
using control_handler = std::function<void(control_request, control_reply)>;

/// HTTP/1.1 on a Unix socket that only its owner may use. At most 32
/// connections, 16 KiB of header and 64 KiB of body, 30 s of silence.
/// Destroying it closes all connections and removes the socket.
class control_server {
public:
  virtual ~control_server() = default;

  /// Listens at `path`. The socket of a dead daemon is replaced. Errors:
  /// `address_in_use` when a daemon answers there, `permission_denied`,
  /// `bad_config` when the path is too long or is not a socket, `io_failed`.
  static result<std::unique_ptr<control_server>>
  open(boost::asio::any_io_executor executor, std::filesystem::path path,
       control_handler handler);
};

} // namespace peapod::net
