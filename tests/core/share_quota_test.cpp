#define CAF_SUITE share_quota

#include "core/share_quota.hpp"

#include <algorithm>
#include <vector>

#include <rapidcheck.h>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

constexpr instant start{1000h};

local_time at(uint32_t day, duration after = 0s) {
  return {day, day / 100, 3h, 72h, start + after};
}

share_quota quota(quota_limits limits, quota_usage before = {}) {
  share_quota out{limits, before};
  out.time_is(at(20260110));
  return out;
}

/// Reserves `bytes` and uses all of them.
bool use(share_quota& x, uint64_t bytes) {
  if (x.reserve(bytes))
    return false;
  x.settle(bytes, bytes);
  return true;
}

} // namespace

// -- reservations -------------------------------------------------------------

CAF_TEST(without bounds everything fits) {
  auto x = quota({});
  CAF_CHECK(use(x, UINT64_MAX));
  CAF_CHECK(use(x, 1));
  CAF_CHECK(!x.left());
  CAF_CHECK(!x.exhausted());
}

CAF_TEST(ranges side by side keep within the day) {
  auto x = quota({100, 0});
  CAF_CHECK(!x.reserve(60));
  auto lacking = x.reserve(60);
  CAF_REQUIRE(lacking.has_value());
  // The first may use less than it has reserved.
  CAF_CHECK(*lacking == (share_quota::shortage{false, std::nullopt}));
  x.settle(60, 10);
  CAF_CHECK(!x.reserve(60));
  CAF_CHECK(x.left() == uint64_t{30});
}

CAF_TEST(what is used up comes back when the day ends) {
  auto x = quota({100, 0});
  CAF_CHECK(use(x, 90));
  CAF_CHECK(x.reserve(20) == (share_quota::shortage{false, 3h}));
  CAF_CHECK(!x.exhausted());
  CAF_CHECK(use(x, 10));
  CAF_CHECK(x.exhausted() == (share_quota::shortage{false, 3h}));
  x.time_is(at(20260111, 3h));
  CAF_CHECK(!x.exhausted());
  CAF_CHECK(x.left() == uint64_t{100});
}

CAF_TEST(the month bounds its days) {
  auto x = quota({100, 150});
  CAF_CHECK(use(x, 100));
  x.time_is(at(20260111, 24h));
  CAF_CHECK(x.left() == uint64_t{50});
  CAF_CHECK(x.reserve(60) == (share_quota::shortage{true, 72h}));
  CAF_CHECK(use(x, 50));
  x.time_is(at(20260112, 48h));
  CAF_CHECK(x.exhausted() == (share_quota::shortage{true, 72h}));
  x.time_is(at(20260201, 600h));
  CAF_CHECK(x.left() == uint64_t{100});
}

CAF_TEST(a range over midnight counts on the day on which it ends) {
  auto x = quota({100, 0});
  CAF_CHECK(!x.reserve(80));
  x.time_is(at(20260111, 3h));
  CAF_CHECK(x.left() == uint64_t{20});
  x.settle(80, 80);
  CAF_CHECK_EQUAL(x.usage().day_bytes, 80u);
  CAF_CHECK(x.left() == uint64_t{20});
}

// -- the calendar -------------------------------------------------------------

CAF_TEST(what an earlier run has used on this day counts) {
  auto x = quota({100, 1000}, {20260110, 70, 202601, 500});
  CAF_CHECK(x.left() == uint64_t{30});
  auto y = quota({100, 1000}, {20260109, 70, 202601, 950});
  CAF_CHECK(y.left() == uint64_t{50});
  auto z = quota({100, 1000}, {20251231, 70, 202512, 950});
  CAF_CHECK(z.left() == uint64_t{100});
}

CAF_TEST(a clock that is set back gives nothing anew) {
  auto x = quota({100, 150});
  CAF_CHECK(use(x, 100));
  for (uint32_t day : {20260109, 20260110, 20251231, 20260110, 19700101}) {
    x.time_is(at(day, 1h));
    CAF_CHECK(x.left() == uint64_t{0});
  }
  x.time_is(at(20260111, 24h));
  CAF_CHECK(x.left() == uint64_t{50});
}

CAF_TEST(a clock that was ahead costs a day and not more) {
  auto x = quota({100, 0});
  x.time_is(at(20990101, 1h));
  CAF_CHECK(use(x, 100));
  x.time_is(at(20260110, 2h));
  x.time_is(at(20260111, 25h));
  CAF_CHECK(x.left() == uint64_t{0});
  x.time_is(at(20260111, 26h));
  CAF_CHECK(x.left() == uint64_t{100});
  CAF_CHECK_EQUAL(x.usage().day, 20260111u);
}

CAF_TEST(usage beyond a bound that was lowered is no error) {
  auto x = quota({10, 10}, {20260110, UINT64_MAX, 202601, UINT64_MAX - 1});
  CAF_CHECK(x.left() == uint64_t{0});
  CAF_CHECK(x.reserve(1).has_value());
  x.settle(0, 0);
  CAF_CHECK_EQUAL(x.usage().day_bytes, UINT64_MAX);
}

// -- whatever happens ---------------------------------------------------------

CAF_TEST(no interleaving of ranges and days exceeds a bound) {
  auto holds = [](const std::vector<uint16_t>& steps, uint16_t per_day,
                  uint16_t per_month) {
    quota_limits limits{uint64_t{per_day} + 1, uint64_t{per_month} + 1};
    share_quota x{limits};
    uint32_t day = 20260101;
    x.time_is(at(day));
    std::vector<uint64_t> running;
    uint64_t today = 0, month = 0;
    for (auto step : steps) {
      auto amount = uint64_t{step} / 4;
      if (step % 4 <= 1) {
        if (!x.reserve(amount))
          running.push_back(amount);
      } else if (step % 4 == 2 && !running.empty()) {
        auto i =
            running.begin() + static_cast<ptrdiff_t>(amount % running.size());
        auto used = amount % (*i + 1);
        x.settle(*i, used);
        today += used;
        month += used;
        running.erase(i);
      } else if (step % 4 == 3) {
        // Forth by a day, or back by some that give nothing anew.
        bool forth = amount % 2 == 0;
        if (forth) {
          day = day % 100 == 28 ? day + 73 : day + 1;
          today = 0;
          if (day % 100 == 1)
            month = 0;
        }
        x.time_is(at(forth ? day : day - 1));
      }
      RC_ASSERT(today <= limits.per_day);
      RC_ASSERT(month <= limits.per_month);
      RC_ASSERT(x.usage().day_bytes == today);
      RC_ASSERT(x.usage().month_bytes == month);
    }
    // What was not used is there again.
    x.time_is(at(day));
    for (auto bytes : running)
      x.settle(bytes, 0);
    RC_ASSERT(x.reserved() == 0u);
    RC_ASSERT(*x.left()
              == std::min(limits.per_day - today, limits.per_month - month));
  };
  CAF_CHECK(rc::check("ranges keep within the quota", holds));
}
