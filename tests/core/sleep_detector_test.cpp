#define CAF_SUITE sleep_detector

#include "core/sleep_detector.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::literals;

namespace {

instant at(duration x) {
  return instant{x};
}

} // namespace

CAF_TEST(nothing is found while both clocks run) {
  sleep_detector x;
  for (auto now = 0s; now < 60s; now += 1s)
    CAF_CHECK(!x.look(at(now), at(now + 500s)));
}

CAF_TEST(a sleep is where the clocks part) {
  sleep_detector x;
  CAF_CHECK(!x.look(at(10s), at(10s)));
  CAF_CHECK(x.look(at(11s), at(3611s)) == 3601s);
  CAF_CHECK(!x.look(at(12s), at(3612s)));
}

CAF_TEST(a process that was stopped looks too late) {
  sleep_detector x;
  CAF_CHECK(!x.look(at(10s), at(10s)));
  CAF_CHECK(x.look(at(30s), at(30s)) == 20s);
  CAF_CHECK(!x.look(at(34s), at(34s)));
}

CAF_TEST(a clock that is adjusted is no sleep) {
  sleep_detector x;
  CAF_CHECK(!x.look(at(10s), at(10s)));
  CAF_CHECK(!x.look(at(11s), at(12s)));
  CAF_CHECK(!x.look(at(12s), at(2s)));
  CAF_CHECK(!x.look(at(13s), at(3s)));
}
