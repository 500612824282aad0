#define CAF_SUITE rate_meter

#include "core/rate_meter.hpp"

#include "core/token_bucket.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

constexpr instant start = instant{1s};

} // namespace

CAF_TEST(a rate is known after the first sample) {
  rate_meter x;
  x.started(start);
  x.arrived(1000, start + 100ms);
  CAF_CHECK(!x.rate());
  x.arrived(4000, start + 500ms);
  CAF_REQUIRE(x.rate());
  CAF_CHECK(*x.rate() == 10'000.0);
}

CAF_TEST(later samples weigh as much as all before them) {
  rate_meter x;
  x.started(start);
  x.arrived(1000, start + 1s);
  x.arrived(3000, start + 2s);
  CAF_CHECK(*x.rate() == 2000.0);
}

CAF_TEST(time without work does not count) {
  rate_meter x;
  x.started(start);
  x.arrived(1000, start + 200ms);
  x.stopped(start + 200ms);
  x.started(start + 10s);
  x.arrived(1000, start + 10s + 200ms);
  CAF_REQUIRE(x.rate());
  CAF_CHECK(*x.rate() == 5000.0);
}

CAF_TEST(many short pieces of work make a sample together) {
  rate_meter x;
  auto now = start;
  for (int i = 0; i < 10; ++i) {
    x.started(now);
    now += 50ms;
    x.arrived(500, now);
    x.stopped(now);
    now += 1s;
  }
  CAF_REQUIRE(x.rate());
  CAF_CHECK(*x.rate() == 10'000.0);
}

CAF_TEST(a bucket without a rate never waits) {
  token_bucket x;
  CAF_CHECK(x.take(1_MiB, start) == 0s);
  CAF_CHECK(x.take(1_MiB, start) == 0s);
}

CAF_TEST(a bucket makes those wait who took too much) {
  token_bucket x{1000};
  CAF_CHECK(x.take(100, start) == 0s); // the burst
  CAF_CHECK(x.take(500, start) == 500ms);
  CAF_CHECK(x.take(500, start + 500ms) == 500ms);
}

CAF_TEST(a bucket does not save up more than its burst) {
  token_bucket x{1000};
  (void)x.take(100, start);
  CAF_CHECK(x.take(1100, start + 60s) == 1s);
}
