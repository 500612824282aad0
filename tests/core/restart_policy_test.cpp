#define CAF_SUITE restart_policy

#include "core/restart_policy.hpp"

#include <rapidcheck.h>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

using indexes = std::vector<size_t>;

instant at(duration x) {
  return instant{x};
}

random_source always(uint8_t byte) {
  return [byte](std::span<uint8_t> out) {
    for (auto& x : out)
      x = byte;
  };
}

} // namespace

CAF_TEST(the strategy decides which children restart) {
  using enum restart_strategy;
  CAF_CHECK_EQUAL(affected(one_for_one, 1, 4), (indexes{1}));
  CAF_CHECK_EQUAL(affected(rest_for_one, 1, 4), (indexes{1, 2, 3}));
  CAF_CHECK_EQUAL(affected(one_for_all, 1, 4), (indexes{0, 1, 2, 3}));
  CAF_CHECK_EQUAL(affected(simple_one_for_one, 1, 4), (indexes{1}));
  CAF_CHECK_EQUAL(affected(one_for_all, 4, 4), indexes{});
  CAF_CHECK_EQUAL(affected(rest_for_one, 0, 0), indexes{});
}

CAF_TEST(the type decides whether a child restarts) {
  CAF_CHECK(restarts(restart_type::permanent, false));
  CAF_CHECK(restarts(restart_type::permanent, true));
  CAF_CHECK(!restarts(restart_type::transient, false));
  CAF_CHECK(restarts(restart_type::transient, true));
  CAF_CHECK(!restarts(restart_type::temporary, false));
  CAF_CHECK(!restarts(restart_type::temporary, true));
}

CAF_TEST(one restart too many within the period ends the budget) {
  restart_budget budget{2, 5s};
  CAF_CHECK(budget.allow(at(0s)));
  CAF_CHECK(budget.allow(at(1s)));
  CAF_CHECK(!budget.allow(at(5s)));
}

CAF_TEST(restarts older than the period do not count) {
  restart_budget budget{2, 5s};
  CAF_CHECK(budget.allow(at(0s)));
  CAF_CHECK(budget.allow(at(1s)));
  CAF_CHECK_EQUAL(budget.recent(at(6s)), 1u);
  CAF_CHECK(budget.allow(at(5001ms)));
  CAF_CHECK(!budget.allow(at(6s)));
}

CAF_TEST(an intensity of nothing allows nothing) {
  restart_budget budget{0, 5s};
  CAF_CHECK(!budget.allow(at(0s)));
  CAF_CHECK(!budget.allow(at(60s)));
}

CAF_TEST(delays double up to their limit) {
  CAF_CHECK(exponential_delay(1s, 30s, 0) == 1s);
  CAF_CHECK(exponential_delay(1s, 30s, 3) == 8s);
  CAF_CHECK(exponential_delay(1s, 30s, 5) == 30s);
  CAF_CHECK(exponential_delay(1s, 30s, SIZE_MAX) == 30s);
  CAF_CHECK(exponential_delay(0s, 30s, SIZE_MAX) == 0s);
  CAF_CHECK(exponential_delay(60s, 30s, 0) == 30s);
}

CAF_TEST(jitter takes at most half of a delay) {
  CAF_CHECK(jittered(10s, always(0)) == 5s);
  CAF_CHECK(jittered(10s, always(255)) < 10s);
  CAF_CHECK(jittered(10s, always(255)) > 9999ms);
  CAF_CHECK(jittered(24h * 365, always(255)) > 24h * 364);
}

CAF_TEST(the first restart is immediate and later ones wait longer) {
  restart_backoff backoff{100ms, 1s, 10s};
  CAF_CHECK(backoff.next(at(0s)) == 0s);
  CAF_CHECK(backoff.next(at(1s)) == 100ms);
  CAF_CHECK(backoff.next(at(2s)) == 200ms);
  CAF_CHECK(backoff.next(at(3s)) == 400ms);
  CAF_CHECK(backoff.next(at(4s)) == 800ms);
  CAF_CHECK(backoff.next(at(5s)) == 1s);
  CAF_CHECK(backoff.next(at(14s)) == 1s);
  CAF_CHECK(backoff.next(at(24s)) == 0s);
}

CAF_TEST(a budget never allows more than its intensity in any period) {
  auto holds = [](std::vector<uint16_t> gaps, uint8_t size) {
    size_t intensity = size % 8;
    restart_budget budget{intensity, 1s};
    std::vector<instant> allowed;
    auto now = at(0s);
    for (auto gap : gaps) {
      now += std::chrono::milliseconds(gap % 700);
      if (!budget.allow(now))
        break;
      allowed.push_back(now);
    }
    for (size_t i = intensity; i < allowed.size(); ++i)
      RC_ASSERT(allowed[i] - allowed[i - intensity] > 1s);
  };
  CAF_CHECK(rc::check("intensity bounds restarts", holds));
}

CAF_TEST(a budget gives up only when it is exceeded) {
  auto holds = [](std::vector<uint16_t> gaps, uint8_t size) {
    size_t intensity = size % 8;
    restart_budget budget{intensity, 1s};
    std::vector<instant> all;
    auto now = at(0s);
    for (auto gap : gaps) {
      now += std::chrono::milliseconds(gap % 700);
      all.push_back(now);
      auto recent = [now](instant x) { return now - x <= 1s; };
      auto count = std::count_if(all.begin(), all.end(), recent);
      auto fits = static_cast<size_t>(count) <= intensity;
      RC_ASSERT(budget.allow(now) == fits);
      if (!fits)
        break;
    }
  };
  CAF_CHECK(rc::check("nothing is refused early", holds));
}

CAF_TEST(every strategy restarts the child that failed and keeps the order) {
  auto holds = [](uint8_t failed, uint8_t count, uint8_t which) {
    auto strategy = static_cast<restart_strategy>(which % 4);
    auto xs = affected(strategy, failed, count);
    RC_ASSERT(xs.empty() == (failed >= count));
    RC_ASSERT(std::is_sorted(xs.begin(), xs.end()));
    for (auto x : xs)
      RC_ASSERT(x < count);
    if (failed < count)
      RC_ASSERT(std::count(xs.begin(), xs.end(), failed) == 1);
  };
  CAF_CHECK(rc::check("affected children", holds));
}
