#pragma once

#include "core/types.hpp"

#include <optional>

namespace peapod {

/// Estimates the goodput of a source from what it delivers while it has work.
/// Time without work does not count.
class rate_meter {
public:
  /// The source got work after it had none.
  void started(instant now);

  /// The source has no work any more.
  void stopped(instant now);

  /// `bytes` have arrived.
  void arrived(uint64_t bytes, instant now);

  /// It cannot be faster than so many bytes a second: it would have shown.
  void limit(double rate) {
    if (rate_ && *rate_ > rate)
      rate_ = rate;
  }

  /// Bytes a second; nothing before the first sample.
  std::optional<double> rate() const {
    return rate_;
  }

private:
  static constexpr duration sample_time = std::chrono::milliseconds(250);

  instant since_{};
  duration busy_{}; ///< of the sample, before `since_`
  uint64_t bytes_ = 0;
  std::optional<double> rate_;
};

} // namespace peapod
