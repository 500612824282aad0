#pragma once

#include "core/types.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace peapod::net {

/// A deadline that is moved far more often than it passes: moving it costs a
/// store, not a timer, and all of one io_context share a timer. For the thread
/// that runs the io_context.
class watchdog {
public:
  /// `on_expire` is called from the event loop each time a deadline passes.
  watchdog(const boost::asio::any_io_executor& ex,
           std::function<void()> on_expire);
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// The deadline is `after` from now; forgets that an earlier one passed.
  void arm(duration after);

  /// There is no deadline. Whether one has passed stays known.
  void disarm();

  /// Whether the deadline has passed since `arm`.
  bool expired() const;

  struct state;

private:
  std::shared_ptr<state> state_;
};

} // namespace peapod::net
