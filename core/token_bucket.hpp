#pragma once

#include "core/types.hpp"

#include <algorithm>
#include <cmath>

namespace peapod {

/// Bounds a rate: bytes are taken on credit, and who has taken too many waits.
/// The rate may change at any time.
class token_bucket {
public:
  /// `rate` in bytes a second; 0 means no limit.
  explicit token_bucket(uint64_t rate = 0) : rate_(static_cast<double>(rate)) {}

  /// Takes `bytes` and returns how long to wait before taking more.
  duration take(uint64_t bytes, instant now) {
    pay(now);
    taken_ += static_cast<double>(bytes);
    return wait(taken_, now);
  }

  /// All bytes taken so far. Who remembers it takes turns with others: see
  /// `wait`.
  double taken() const {
    return taken_;
  }

  /// How long until the first `taken` bytes are paid for, at the present rate.
  duration wait(double taken, instant now) {
    pay(now);
    if (rate_ <= 0 || taken <= paid_)
      return duration::zero();
    return duration{
        static_cast<int64_t>(std::ceil(1e9 * (taken - paid_) / rate_))};
  }

  /// From now on, `rate` bytes a second; 0: no limit. What was taken at a
  /// higher rate is not owed for longer than `longest_debt`.
  void set_rate(double rate, instant now) {
    pay(now);
    rate_ = rate;
    pay(now);
    if (rate_ > 0)
      paid_ = std::max(paid_, taken_ - rate_ * seconds_of(longest_debt));
  }

  /// Bytes a second; 0: no limit.
  double rate() const {
    return rate_;
  }

private:
  /// Unused time that may be made up for.
  static constexpr duration burst = std::chrono::milliseconds(100);

  static constexpr duration longest_debt = std::chrono::milliseconds(500);

  void pay(instant now) {
    if (rate_ <= 0)
      paid_ = taken_;
    else
      paid_ = std::min(paid_ + rate_ * seconds_of(now - at_),
                       taken_ + rate_ * seconds_of(burst));
    at_ = now;
  }

  double rate_;
  double taken_ = 0; ///< bytes
  double paid_ = 0;  ///< bytes
  instant at_{};     ///< of `paid_`
};

} // namespace peapod
