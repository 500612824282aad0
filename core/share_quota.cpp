#include "core/share_quota.hpp"

#include <algorithm>
#include <cassert>

namespace peapod {

namespace {

using namespace std::chrono_literals;

constexpr duration day_length = 24h;
constexpr duration month_length = 31 * day_length;

uint64_t sum_of(uint64_t x, uint64_t y) {
  return x > UINT64_MAX - y ? UINT64_MAX : x + y;
}

} // namespace

// -- one period ---------------------------------------------------------------

void quota_period::turn(uint32_t number, instant now) {
  if (number == number_) {
    behind_since_.reset();
    return;
  }
  if (number < number_ && !behind_since_)
    behind_since_ = now;
  if (number < number_ && now - *behind_since_ < usual_)
    return;
  number_ = number;
  used_ = 0;
  behind_since_.reset();
}

void quota_period::use(uint64_t bytes) {
  used_ = sum_of(used_, bytes);
}

bool quota_period::has_room(uint64_t bytes, uint64_t reserved) const {
  return limit_ == 0 || sum_of(sum_of(used_, reserved), bytes) <= limit_;
}

std::optional<uint64_t> quota_period::left(uint64_t reserved) const {
  if (limit_ == 0)
    return std::nullopt;
  return limit_ - std::min(limit_, sum_of(used_, reserved));
}

// -- both ---------------------------------------------------------------------

share_quota::share_quota(quota_limits limits, const quota_usage& before)
  : day_(limits.per_day, day_length, before.day, before.day_bytes),
    month_(limits.per_month, month_length, before.month, before.month_bytes) {}

void share_quota::time_is(const local_time& now) {
  day_.turn(now.day, now.at);
  month_.turn(now.month, now.at);
  day_left_ = now.day_left;
  month_left_ = now.month_left;
}

std::optional<share_quota::shortage> share_quota::reserve(uint64_t bytes) {
  // The month first: more waits for it.
  if (!month_.has_room(bytes, reserved_))
    return month_.has_room(bytes, 0) ? shortage{true, {}}
                                     : shortage{true, month_left_};
  if (!day_.has_room(bytes, reserved_))
    return day_.has_room(bytes, 0) ? shortage{false, {}}
                                   : shortage{false, day_left_};
  reserved_ = sum_of(reserved_, bytes);
  return std::nullopt;
}

void share_quota::settle(uint64_t reserved, uint64_t used) {
  assert(reserved <= reserved_ && used <= reserved);
  reserved_ -= std::min(reserved, reserved_);
  day_.use(used);
  month_.use(used);
}

std::optional<uint64_t> share_quota::left() const {
  auto day = day_.left(reserved_);
  auto month = month_.left(reserved_);
  return day && month ? std::min(*day, *month) : day ? day : month;
}

std::optional<share_quota::shortage> share_quota::exhausted() const {
  if (!month_.has_room(1, 0))
    return shortage{true, month_left_};
  if (!day_.has_room(1, 0))
    return shortage{false, day_left_};
  return std::nullopt;
}

quota_usage share_quota::usage() const {
  return {day_.number(), day_.used(), month_.number(), month_.used()};
}

} // namespace peapod
