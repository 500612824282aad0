#pragma once

#include "core/types.hpp"

#include <deque>
#include <string_view>
#include <vector>

/// The arithmetic of supervision, as in OTP's `supervisor` behaviour.
namespace peapod {

/// Which children restart when one of them ends.
enum class restart_strategy {
  one_for_one,  ///< the one that ended
  rest_for_one, ///< the one that ended and those started after it
  one_for_all,  ///< all
  /// The one that ended; the children are many of one kind, come and go by
  /// themselves and are stopped together.
  simple_one_for_one,
};

/// When a child restarts.
enum class restart_type {
  permanent, ///< always
  transient, ///< only after it failed
  temporary, ///< never
};

/// The words of the configuration and the console.
std::string_view to_string(restart_strategy x);

/// The words of the configuration and the console.
std::string_view to_string(restart_type x);

/// Whether a child of this type restarts; `failed` tells a failure from an end
/// that the child wanted.
bool restarts(restart_type type, bool failed);

/// The indexes, in the order of start, of the children that have to go and
/// come back when child `failed` of `count` ended: stop them in reverse order,
/// start them in this one. Empty when there is no such child.
std::vector<size_t> affected(restart_strategy strategy, size_t failed,
                             size_t count);

/// Bounds restarts to `intensity` within `period`: a supervisor that has to
/// restart more often has a problem that restarting does not solve.
class restart_budget {
public:
  /// An intensity of 0 forbids every restart.
  restart_budget(size_t intensity, duration period)
    : intensity_(intensity), period_(period) {}

  /// Counts a restart; false when it is one too many and the supervisor has to
  /// give up.
  [[nodiscard]] bool allow(instant now);

  /// Restarts that still count at `now`.
  size_t recent(instant now) const;

private:
  size_t intensity_;
  duration period_;
  std::deque<instant> restarts_;
};

/// `first` doubled `step` times, but at most `limit`.
duration exponential_delay(duration first, duration limit, size_t step);

/// `delay` times a factor from [0.5, 1), drawn from `random`, so that devices
/// that lost each other at one moment do not try again at one moment.
duration jittered(duration delay, const random_source& random);

/// How long to wait before the next restart of one child: nothing for the
/// first one, then `first`, doubled each time up to `limit`. A child that ran
/// for `calm` without a restart starts over.
class restart_backoff {
public:
  restart_backoff(duration first, duration limit, duration calm)
    : first_(first), limit_(limit), calm_(calm) {}

  /// Counts an end of the child at `now` and tells the delay of its restart.
  duration next(instant now);

private:
  duration first_;
  duration limit_;
  duration calm_;
  size_t count_ = 0;
  instant last_{};
};

} // namespace peapod
