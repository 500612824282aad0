#pragma once

#include "core/types.hpp"

#include <optional>

namespace peapod {

/// Finds out that this device slept, or that the process was stopped, by
/// looking at two clocks every now and then: one that runs while the machine
/// does, and one that goes on while it sleeps.
class sleep_detector {
public:
  struct limits {
    /// By so much the clocks differ after a sleep. Less may be an adjustment.
    duration jump = std::chrono::seconds(2);
    /// A look that comes so much after the one before it came too late.
    duration gap = std::chrono::seconds(5);
  };

  sleep_detector() = default;
  explicit sleep_detector(limits x) : limits_(x) {}

  /// Call this at least every second. For how long nothing ran, if that was
  /// long; `running` is the first clock, `always` the other one.
  std::optional<duration> look(instant running, instant always);

private:
  struct reading {
    instant running;
    instant always;
  };

  limits limits_;
  std::optional<reading> last_;
};

} // namespace peapod
