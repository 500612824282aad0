#pragma once

#include "core/types.hpp"

#include <algorithm>

namespace peapod {

/// Bounds a rate: bytes are taken on credit, and who has taken too many waits.
class token_bucket {
public:
  /// `rate` in bytes a second; 0 means no limit.
  explicit token_bucket(uint64_t rate = 0) : rate_(rate) {}

  /// Takes `bytes` and returns how long to wait before taking more.
  duration take(uint64_t bytes, instant now) {
    if (rate_ == 0)
      return duration::zero();
    auto cost = duration{static_cast<int64_t>(1e9 * static_cast<double>(bytes)
                                              / static_cast<double>(rate_))};
    free_at_ = std::max(free_at_, now - burst) + cost;
    return std::max(free_at_ - now, duration::zero());
  }

private:
  /// Unused time that may be made up for.
  static constexpr duration burst = std::chrono::milliseconds(100);

  uint64_t rate_;
  instant free_at_{};
};

} // namespace peapod
