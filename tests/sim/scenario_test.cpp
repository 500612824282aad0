#define CAF_SUITE scenario

#include "tests/sim/scenario.hpp"

#include <algorithm>

#include <caf/test/unit_test.hpp>

using namespace peapod::sim;

namespace {

/// What a pod of a seed reached, when nothing is wrong with any byte of it.
double efficiency_of(uint64_t seed, scenario_limits limits = {}) {
  auto x = make_scenario(seed, limits);
  auto by = run(x);
  if (!by.complete || !by.exact)
    CAF_FAIL(describe(x) << ": " << by.problem);
  CAF_MESSAGE(by.efficiency << ", " << by.waste << " in vain: " << describe(x));
  return by.efficiency;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

constexpr scenario_limits calm_and_small{2, 6, false};
constexpr scenario_limits small{2, 8, true};

/// The time that the best line of the pod would have taken alone, by ours.
double by_best_line(uint64_t seed) {
  auto x = make_scenario(seed, small);
  auto by = run(x);
  if (!by.complete || !by.exact)
    CAF_FAIL(describe(x) << ": " << by.problem);
  CAF_MESSAGE(by.best_line << ", " << by.waste << " in vain: " << describe(x));
  CAF_CHECK(by.waste < 0.03);
  return by.best_line;
}

} // namespace

CAF_TEST(a seed names the same pod and the same download each time) {
  auto x = make_scenario(7);
  auto y = make_scenario(7);
  CAF_CHECK_EQUAL(describe(x), describe(y));
  CAF_CHECK(describe(x) != describe(make_scenario(8)));
  auto first = run(x);
  auto again = run(y);
  CAF_CHECK(first.time == again.time);
  CAF_CHECK(first.efficiency == again.efficiency);
}

CAF_TEST(random pods end with the right bytes and beat every fixed plan) {
  std::vector<double> ours;
  std::vector<double> waste;
  std::map<fixed_plan, std::vector<double>> theirs;
  for (uint64_t seed = 1000; seed < 1016; ++seed) {
    auto x = make_scenario(seed, {2, 16, true});
    auto by = run(x);
    CAF_REQUIRE(by.complete && by.exact);
    ours.push_back(by.efficiency);
    waste.push_back(by.waste);
    for (auto plan :
         {fixed_plan::single, fixed_plan::round_robin, fixed_plan::weighted})
      theirs[plan].push_back(run(x, plan).efficiency);
  }
  CAF_MESSAGE("median efficiency " << median(ours) << ", in vain "
                                   << median(waste));
  CAF_CHECK(median(ours) > 0.8);
  CAF_CHECK(median(waste) < 0.03);
  for (auto& [plan, values] : theirs) {
    CAF_MESSAGE("a fixed plan: " << median(values));
    CAF_CHECK(median(values) < median(ours));
  }
}

CAF_TEST(a small pod without incidents uses its lines) {
  std::vector<double> all;
  for (uint64_t seed = 1; seed <= 20; ++seed)
    all.push_back(efficiency_of(seed, calm_and_small));
  CAF_CHECK(median(all) > 0.9);
}

// -- what once went wrong -----------------------------------------------------

CAF_TEST(the spine of an own line that collapses is stood in for) {
  // Everybody waited until 150 kbit/s had brought half a megabyte.
  CAF_CHECK(efficiency_of(33) > 0.7);
}

CAF_TEST(many unknown devices at once do not fill the window with hedges) {
  // Each had two chunks to begin with, and most of what came was in vain.
  CAF_CHECK(efficiency_of(45) > 0.5);
  CAF_CHECK(run(make_scenario(45)).waste < 0.03);
}

CAF_TEST(devices that collapse do not get more to do) {
  // They had up to nine ranges, some of them called off, and all waited.
  CAF_CHECK(efficiency_of(72) > 0.6);
}

CAF_TEST(several leases that end at once do not make the next one huge) {
  // Three leases of 64 KiB that ended in one moment made one of 4 MiB.
  CAF_CHECK(efficiency_of(1) > 0.6);
}

CAF_TEST(a far fast peer is kept busy) {
  // Its leases began and ended together, and its line was idle in between.
  CAF_CHECK(efficiency_of(60, calm_and_small) > 0.8);
}

// -- what was slower than one line alone --------------------------------------

CAF_TEST(a line that froze for seconds is used when it is back) {
  // Three leases that froze together counted as three failures, and the best
  // line was set aside for half a minute.
  CAF_CHECK(by_best_line(620) > 0.98);
}

CAF_TEST(who stands in and is slow is stood in for) {
  // Everybody waited for the slow one who had been asked to help.
  CAF_CHECK(by_best_line(137) > 0.97);
}

CAF_TEST(who is idle helps with what all wait for) {
  // The window was full, and what may come twice was used up.
  CAF_CHECK(by_best_line(267) > 0.95);
}

CAF_TEST(a fast line that is far is busy between its leases) {
  // They ended together, and the next ones were asked for only then.
  for (uint64_t seed : {377, 921, 5249, 5949})
    CAF_CHECK(by_best_line(seed) > 0.98);
  CAF_CHECK(by_best_line(49) > 1);
}

CAF_TEST(slow peers do not slow down a fast line of our own) {
  CAF_CHECK(by_best_line(798) > 0.98);
  CAF_CHECK(by_best_line(334) > 0.98);
  CAF_CHECK(by_best_line(778) > 0.98);
}

CAF_TEST(who has much to bring is asked for a little that all wait for) {
  // It was expected to bring all of its leases first, but they share its line
  // evenly, and the window filled behind a few kilobytes of a slow device.
  CAF_CHECK(by_best_line(5817) > 0.86);
}

CAF_TEST(who can get nothing more helps with what all wait for) {
  // It had a crumb of the window left to bring, and was not taken for idle.
  CAF_CHECK(by_best_line(5022) > 0.98);
  CAF_CHECK(by_best_line(445) > 0.96);
}

CAF_TEST(a far foreign peer is asked for so much that its line is busy) {
  // It had a quarter of a second at a time, half of which was the way.
  CAF_CHECK(by_best_line(5326) > 0.98);
  CAF_CHECK(by_best_line(5066) > 1.4);
  CAF_CHECK(by_best_line(5442) > 0.75);
}

CAF_TEST(who helps brings the rear of a range and the front is not lost) {
  // The front was brought by two, and the sooner of them made the other vain.
  for (uint64_t seed : {120, 5074, 5111})
    CAF_CHECK(by_best_line(seed) > 0.98);
  // An own line overran what a slow device had leased, and all waited for that.
  CAF_CHECK(by_best_line(5057) > 0.98);
  CAF_CHECK(by_best_line(252) > 0.99);
}

CAF_TEST(
    who freezes with the front of a range is noticed before it is overdue) {
  // What was left was little, and so was its lateness.
  CAF_CHECK(by_best_line(5482) > 0.75);
}

CAF_TEST(an own line that freezes at the end is stood in for at once) {
  // The others were done, and nothing more happened but the tick.
  CAF_CHECK(by_best_line(13683) > 0.94);
}

CAF_TEST(who froze and was slow when it thawed is tried again) {
  // One small piece after seconds made it so slow that it got nothing more.
  CAF_CHECK(by_best_line(46) > 1.1);
}

// -- what failed --------------------------------------------------------------

CAF_TEST(an own line that freezes at the end confirms foreign bytes later) {
  // Only what other bytes wait for is given up after two seconds.
  CAF_CHECK(efficiency_of(165, small) > 0.7);
}
