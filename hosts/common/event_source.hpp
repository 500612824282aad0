#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace peapod {

/// One server-sent event (WHATWG HTML, 9.2).
struct server_event {
  std::string id;
  std::string kind; ///< `message` when the server named none
  std::string data;
};

/// Cuts a `text/event-stream` into events; lines and data beyond 1 MiB are cut
/// off.
class event_parser {
public:
  explicit event_parser(std::function<void(server_event)> on_event);

  /// The next bytes of the stream, in any pieces.
  void feed(std::string_view bytes);

private:
  void take_line(std::string_view text);
  void take_field(std::string_view name, std::string_view value);

  std::function<void(server_event)> on_event_;
  std::string line_;
  bool after_return_ = false;
  bool has_data_ = false;
  server_event next_;
};

/// A stream of events from the daemon. Destroying it closes the stream; no
/// handler is called afterwards.
class event_source {
public:
  struct handlers {
    std::function<void()> opened;
    std::function<void(server_event)> event;
    /// The stream is over, or there never was one: what the daemon said, or
    /// why it could not be asked. Nothing follows.
    std::function<void(error)> ended;
  };

  virtual ~event_source() = default;

  /// Asks the daemon behind the socket `path` for `target`, as in
  /// `/v1/events?since=0`. The daemon has to begin its answer within
  /// `timeout`. Handlers are called on the executor, never from in here.
  static std::unique_ptr<event_source>
  open(boost::asio::any_io_executor executor, std::filesystem::path path,
       std::string target, handlers what,
       duration timeout = std::chrono::seconds(3));
};

} // namespace peapod
