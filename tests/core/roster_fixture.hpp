#pragma once

#include "core/roster.hpp"

#include <algorithm>
#include <span>

/// What the tests of the roster have in common.
namespace peapod::roster_test {

inline device_id id_of(uint8_t x) {
  device_id out;
  out.bytes[0] = x;
  return out;
}

inline instant at(duration x) {
  return instant{x};
}

/// Every draw is the middle of what can be drawn.
inline random_source half_draw() {
  return [](std::span<uint8_t> out) { std::ranges::fill(out, 128); };
}

} // namespace peapod::roster_test
