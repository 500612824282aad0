#include "core/restart_policy.hpp"

#include <algorithm>
#include <numeric>

namespace peapod {

std::string_view to_string(restart_strategy x) {
  switch (x) {
    case restart_strategy::one_for_one:
      return "one_for_one";
    case restart_strategy::rest_for_one:
      return "rest_for_one";
    case restart_strategy::one_for_all:
      return "one_for_all";
    case restart_strategy::simple_one_for_one:
      return "simple_one_for_one";
  }
  return "unknown";
}

std::string_view to_string(restart_type x) {
  switch (x) {
    case restart_type::permanent:
      return "permanent";
    case restart_type::transient:
      return "transient";
    case restart_type::temporary:
      return "temporary";
  }
  return "unknown";
}

bool restarts(restart_type type, bool failed) {
  return type == restart_type::permanent
         || (type == restart_type::transient && failed);
}

std::vector<size_t> affected(restart_strategy strategy, size_t failed,
                             size_t count) {
  if (failed >= count)
    return {};
  auto alone = strategy == restart_strategy::one_for_one
               || strategy == restart_strategy::simple_one_for_one;
  auto begin = strategy == restart_strategy::one_for_all ? 0 : failed;
  auto end = alone ? failed + 1 : count;
  std::vector<size_t> out(end - begin);
  std::iota(out.begin(), out.end(), begin);
  return out;
}

bool restart_budget::allow(instant now) {
  while (!restarts_.empty() && restarts_.front() + period_ < now)
    restarts_.pop_front();
  restarts_.push_back(now);
  if (restarts_.size() > intensity_ + 1)
    restarts_.pop_front();
  return restarts_.size() <= intensity_;
}

size_t restart_budget::recent(instant now) const {
  auto counts = [&](instant x) { return x + period_ >= now; };
  return static_cast<size_t>(std::ranges::count_if(restarts_, counts));
}

duration exponential_delay(duration first, duration limit, size_t step) {
  auto out = std::min(first, limit);
  for (; step > 0 && out < limit && out > duration::zero(); --step)
    out = out > limit / 2 ? limit : out * 2;
  return out;
}

duration jittered(duration delay, const random_source& random) {
  uint8_t bytes[2] = {};
  random(bytes);
  auto draw = static_cast<int64_t>(bytes[0]) << 8 | bytes[1];
  // Divided first: a delay of hours times 65536 would overflow.
  return delay / 2 + delay / 2 / 65536 * draw;
}

duration restart_backoff::next(instant now) {
  if (count_ > 0 && now - last_ >= calm_)
    count_ = 0;
  last_ = now;
  auto step = count_++;
  return step == 0 ? duration::zero()
                   : exponential_delay(first_, limit_, step - 1);
}

} // namespace peapod
