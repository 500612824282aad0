#define CAF_SUITE clock_check

#include "core/clock_check.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

/// What the time really is at `instant{}`.
constexpr std::chrono::sys_seconds begin{1'800'000'000s};

instant at(duration x) {
  return instant{x};
}

/// What a right clock shows.
std::chrono::system_clock::time_point right(duration x) {
  return begin
         + std::chrono::duration_cast<std::chrono::system_clock::duration>(x);
}

/// Three hosts have told the right time.
clock_check told() {
  clock_check out;
  for (auto* host : {"a.test", "b.test", "c.test"})
    out.saw(host, begin + 10s, at(10s));
  return out;
}

} // namespace

CAF_TEST(a right clock is found to be right) {
  auto found = told().judge(right(20s), at(20s));
  CAF_CHECK(found == (clock_check::judgement{0s, 3}));
}

CAF_TEST(a wrong clock is found with how far it is off) {
  auto x = told();
  CAF_CHECK(x.judge(right(20s) - 1h, at(20s))
            == (clock_check::judgement{1h, 3}));
  CAF_CHECK(x.judge(right(20s) + 48h, at(20s))
            == (clock_check::judgement{-48h, 3}));
}

CAF_TEST(two hosts are not believed and one has one voice) {
  clock_check x;
  for (int i = 0; i < 5; ++i)
    x.saw("a.test", begin, at(0s));
  x.saw("b.test", begin, at(0s));
  CAF_CHECK(!x.judge(right(0s), at(0s)));
}

CAF_TEST(one host whose clock is wrong does not matter) {
  auto x = told();
  x.saw("d.test", begin + 24h, at(10s));
  CAF_CHECK(x.judge(right(20s), at(20s)) == (clock_check::judgement{0s, 4}));
}

CAF_TEST(an old date out of a cache does not replace a newer one) {
  auto x = told();
  for (auto* host : {"a.test", "b.test", "c.test"})
    x.saw(host, begin - 24h, at(30s));
  CAF_CHECK(x.judge(right(40s), at(40s)) == (clock_check::judgement{0s, 3}));
}

CAF_TEST(what was said long ago does not count) {
  auto x = told();
  CAF_CHECK(x.judge(right(1h), at(1h)));
  CAF_CHECK(!x.judge(right(2h), at(2h)));
  x.saw("a.test", begin + 2h, at(2h));
  CAF_CHECK(!x.judge(right(2h), at(2h)));
}

CAF_TEST(many hosts are not all remembered and the newest are) {
  auto x = told();
  for (int i = 0; i < 1000; ++i)
    x.saw(std::to_string(i), begin + 20s, at(20s));
  auto found = x.judge(right(30s), at(30s));
  CAF_REQUIRE(found);
  CAF_CHECK(found->hosts <= 64);
  CAF_CHECK(found->behind == 0s);
}

CAF_TEST(dates that no clock shows are left out) {
  clock_check x;
  for (auto* host : {"a.test", "b.test", "c.test"})
    x.saw(host, std::chrono::sys_days{std::chrono::year{9999} / 12 / 31},
          at(0s));
  CAF_CHECK(!x.judge(right(0s), at(0s)));
}
