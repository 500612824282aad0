#pragma once

#include "core/error.hpp"
#include "core/types.hpp"
#include "hosts/net/peer_user.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peapod::net {

/// What the header of a request says of where it comes from: whether a web page
/// has made a browser send it.
struct control_source {
  std::vector<std::string> hosts;        ///< every field `Host`
  std::optional<std::string> origin;     ///< the fields `Origin`
  std::optional<std::string> fetch_site; ///< the fields `Sec-Fetch-Site`
  std::string content_type;              ///< the field `Content-Type`, or empty
};

/// A request of somebody who may use the control socket.
struct control_request {
  std::string method; ///< as in `GET`
  std::string target; ///< as in `/v1/status`
  std::string body;
  std::string last_event_id{}; ///< the field `Last-Event-ID`, or empty
  control_source from{};
};

/// A text that is made while it is sent. It is asked for the next piece only
/// when the client has taken the last one, so whoever makes it has to bound
/// what waits. Called on the server's executor.
class control_stream {
public:
  virtual ~control_stream() = default;

  /// A part of the text.
  struct piece {
    std::string text;
    bool last = false; ///< nothing will follow
  };

  /// What there is. When that is nothing, `ready` is kept and called once,
  /// from any thread, when there is something. A later call replaces it.
  virtual piece pull(std::function<void()> ready) = 0;

  /// What to send when there was nothing for long, so that a client that has
  /// gone is noticed.
  virtual std::string heartbeat() const = 0;
};

/// The answer to it.
struct control_response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields{}; ///< further ones
  std::unique_ptr<control_stream> stream{}; ///< instead of `body`
};

/// Takes the answer: from any thread, at any time, the first call counts.
/// Dropping it unanswered closes the connection.
using control_reply = std::function<void(control_response)>;

/// Answers requests; called on the server's executor.
using control_handler = std::function<void(control_request, control_reply)>;

/// Bounds of a control server.
struct control_limits {
  size_t connections = 32; ///< one too many is closed
  size_t of_group = 16;    ///< of them, of users who are only in the group
  size_t streams = 16;     ///< of them; one too many gets a 503
  /// For a request to come, for a plain answer to be taken, and for a client
  /// of a stream to take any part of it.
  duration silence = std::chrono::seconds(30);
  duration heartbeat = std::chrono::seconds(15); ///< of a stream
};

/// HTTP/1.1 on a Unix socket, with at most 16 KiB of header and 64 KiB of body.
/// Its owner and root may use it, and the members of a group if one is given;
/// whoever else gets as far as connecting, because the mode of the file was
/// changed or a descriptor was handed on, is answered with 403. Destroying it
/// closes all connections and removes the socket.
class control_server {
public:
  virtual ~control_server() = default;

  /// Listens at `path`, with the mode 0600, or 0660 for a `group` of which this
  /// process has to be a member. The socket of a dead daemon is replaced.
  /// Errors: `address_in_use` when a daemon answers there, `permission_denied`,
  /// `bad_config` when the path is too long or is not a socket, `io_failed`.
  static result<std::unique_ptr<control_server>>
  open(boost::asio::any_io_executor executor, std::filesystem::path path,
       control_handler handler, control_limits limits = {},
       std::optional<group_number> group = std::nullopt);
};

} // namespace peapod::net
