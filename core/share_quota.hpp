#pragma once

#include "core/types.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

/// How much this device gives away a day and a month.
namespace peapod {

/// The user's calendar at some moment.
struct local_time {
  uint32_t day = 0;   ///< as in 20260131
  uint32_t month = 0; ///< as in 202601
  std::chrono::seconds day_left{0};
  std::chrono::seconds month_left{0};
  /// The same moment by a clock that nobody sets.
  instant at{};
};

/// Bounds in bytes, for all peers together; 0: none.
struct quota_limits {
  uint64_t per_day = 0;
  uint64_t per_month = 0;

  bool operator==(const quota_limits&) const = default;
};

/// Bytes that were given away on a day and in a month; as in `local_time`.
struct quota_usage {
  uint32_t day = 0;
  uint64_t day_bytes = 0;
  uint32_t month = 0;
  uint64_t month_bytes = 0;

  bool operator==(const quota_usage&) const = default;
};

/// What keeps within a period's bytes.
class quota_period {
public:
  /// `usual`: how long a period is. `limit`: bytes, 0: no bound.
  quota_period(uint64_t limit, duration usual, uint32_t number, uint64_t used)
    : limit_(limit), usual_(usual), number_(number), used_(used) {}

  /// It is the period `number`, which begins with nothing used when it is a
  /// later one. When it is an earlier one the clock was set back, or had been
  /// ahead: nothing is given anew before a whole period has passed by `now`.
  void turn(uint32_t number, instant now);

  void use(uint64_t bytes);

  /// Whether `bytes` fit beside `reserved` ones.
  bool has_room(uint64_t bytes, uint64_t reserved) const;

  /// What is left beside `reserved` bytes; nothing without a bound.
  std::optional<uint64_t> left(uint64_t reserved) const;

  uint32_t number() const {
    return number_;
  }
  uint64_t used() const {
    return used_;
  }
  uint64_t limit() const {
    return limit_;
  }

private:
  uint64_t limit_;
  duration usual_;
  uint32_t number_;
  uint64_t used_;
  std::optional<instant> behind_since_;
};

/// Machine: bytes a day and a month. What begins is reserved and counts in
/// whole until it has ended, so that ranges side by side keep within the
/// bounds; what it has used counts on the day on which it ends.
class share_quota {
public:
  explicit share_quota(quota_limits limits = {},
                       const quota_usage& before = {});

  /// It is `now`; to be told before each of the others.
  void time_is(const local_time& now);

  /// A period whose bytes do not suffice.
  struct shortage {
    bool of_month = false;
    /// When there are more; nothing: perhaps as soon as another range ends.
    std::optional<std::chrono::seconds> until;

    bool operator==(const shortage&) const = default;
  };

  /// Reserves `bytes`, all or none; nothing: done.
  [[nodiscard]] std::optional<shortage> reserve(uint64_t bytes);

  /// Gives `reserved` bytes back, `used` of which were used: at most as many.
  void settle(uint64_t reserved, uint64_t used);

  /// Bytes left today, by both bounds; nothing without a bound.
  std::optional<uint64_t> left() const;

  /// The period that has no byte left, if one has: not counting what is
  /// reserved, which may come back.
  std::optional<shortage> exhausted() const;

  quota_usage usage() const;
  quota_limits limits() const {
    return {day_.limit(), month_.limit()};
  }
  uint64_t reserved() const {
    return reserved_;
  }

private:
  quota_period day_;
  quota_period month_;
  uint64_t reserved_ = 0;
  std::chrono::seconds day_left_{0};
  std::chrono::seconds month_left_{0};
};

} // namespace peapod
