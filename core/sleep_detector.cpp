#include "core/sleep_detector.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

std::optional<duration> sleep_detector::look(instant running, instant always) {
  auto last = std::exchange(last_, reading{running, always});
  if (!last)
    return std::nullopt;
  auto ran = running - last->running;
  // Set back, the other clock says nothing.
  auto passed = std::max(ran, always - last->always);
  if (passed - ran >= limits_.jump || ran >= limits_.gap)
    return passed;
  return std::nullopt;
}

} // namespace peapod
