#define CAF_SUITE scheduler_trials

#include "tests/core/scheduler_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::sim;

namespace {

std::vector<scheduler::same_line> findings(const pool& x) {
  std::vector<scheduler::same_line> out;
  for (auto& action : x.history)
    if (auto y = std::get_if<scheduler::same_line>(&action))
      out.push_back(*y);
  return out;
}

/// How fast a line is in a second, as a part of what it could be.
double use_of(pool& p, char name, duration time) {
  auto before = p.lines.at(name).spent;
  p.run_for(time);
  return (p.lines.at(name).spent - before)
         / (p.lines.at(name).rate
            * std::chrono::duration<double>(time).count());
}

/// Bodies that only leases bring: so many that those are small, and end before
/// the next ones would begin.
void open_without_spines(pool& p, size_t bodies) {
  for (size_t i = 0; i < bodies; ++i)
    p.open(300 * megabyte);
  p.run_for(500ms);
  for (size_t i = 0; i < bodies; ++i)
    p.lose_spine(i);
}

size_t most_requests(pool& p, char name, duration time) {
  size_t out = 0;
  for (auto until = p.now + time; p.now < until;) {
    p.step();
    out = std::max(out, p.lines.at(name).jobs.size());
  }
  return out;
}

} // namespace

// -- how many requests at a time ----------------------------------------------

CAF_TEST(an origin that limits each connection gets as many as pay) {
  pool p;
  p.join('o', 6e6).origin.per_connection = 1e6;
  p.join('a', 2e6).origin.per_connection = 1e6;
  p.open(200 * megabyte);
  p.run_for(12s);
  CAF_CHECK(use_of(p, 'o', 2s) > 0.9);
  CAF_CHECK_EQUAL(p.lines.at('o').jobs.size(), 6u);
  CAF_CHECK(p.lines.at('a').jobs.size() <= 3);
}

CAF_TEST(where more requests do not pay there are no more) {
  pool p;
  p.join('o', 6e6);
  p.join('a', 4e6, 10ms);
  p.open(400 * megabyte);
  size_t samples = 0;
  size_t more = 0;
  for (p.run_for(5s); p.now < instant{30s}; p.run_for(50ms)) {
    ++samples;
    more += p.lines.at('o').jobs.size() > 4;
  }
  CAF_CHECK(samples > 400);
  CAF_CHECK(more < samples / 8);
}

CAF_TEST(the next body of the origin begins with what has paid) {
  pool p;
  p.join('o', 6e6).origin.per_connection = 1e6;
  p.join('a', 1e6);
  p.open(60 * megabyte);
  CAF_REQUIRE(p.run());
  p.open(60 * megabyte);
  p.run_for(1500ms);
  CAF_CHECK_EQUAL(p.lines.at('o').jobs.size(), 6u);
}

CAF_TEST(a far line of our own has no more requests than browsers) {
  pool p;
  p.join('o', 20e6, 200ms).origin.per_connection = 3e6;
  open_without_spines(p, 8);
  CAF_CHECK_EQUAL(most_requests(p, 'o', 17s), 6u);
}

CAF_TEST(while one more request is tried there are no others) {
  pool p;
  p.join('o', 4e6, 60ms);
  open_without_spines(p, 6);
  p.run_for(1500ms);
  // It has three, and ends what it has before more would begin.
  CAF_CHECK_EQUAL(most_requests(p, 'o', 17s), 4u);
}

// -- who has a line of its own ------------------------------------------------

CAF_TEST(a peer behind our own line is found) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 5e6);
  p.join('a', 5e6).shares = 'o';
  p.join('b', 5e6);
  p.open(3000 * megabyte);
  p.run_for(120s);
  auto found = findings(p);
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(found[0] == (scheduler::same_line{device('a'), device('o')}));
}

CAF_TEST(a body of two minutes is long enough) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 1e6);
  p.join('a', 1e6).shares = 'o';
  p.open(120 * megabyte);
  p.run_for(60s);
  auto found = findings(p);
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(found[0] == (scheduler::same_line{device('a'), device('o')}));
}

CAF_TEST(two peers behind one line are found) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 1e6);
  p.join('a', 5e6);
  p.join('b', 5e6).shares = 'a';
  p.open(3000 * megabyte);
  p.run_for(160s);
  auto found = findings(p);
  CAF_REQUIRE(!found.empty());
  for (auto& x : found)
    CAF_CHECK(x.with && x.source != device('o') && *x.with != device('o'));
}

CAF_TEST(who has a line of its own beside three on one is not suspected) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 6e6);
  p.join('a', 6e6).shares = 'o';
  p.join('b', 6e6).shares = 'o';
  p.join('c', 4e6);
  p.open(3000 * megabyte);
  p.run_for(160s);
  auto found = findings(p);
  CAF_CHECK(!found.empty());
  for (auto& x : found)
    CAF_CHECK(x.source != device('c') && x.with != device('c'));
}

CAF_TEST(a peer that moves to a line of its own is found) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 5e6);
  p.join('a', 5e6).shares = 'o';
  p.open(20'000 * megabyte);
  p.run_for(120s);
  CAF_REQUIRE_EQUAL(findings(p).size(), 1u);
  p.lines.at('a').shares = 0;
  p.run_for(11min);
  auto found = findings(p);
  CAF_REQUIRE_EQUAL(found.size(), 2u);
  CAF_CHECK(found[1] == (scheduler::same_line{device('a'), std::nullopt}));
}

CAF_TEST(peers with lines of their own are not suspected) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.join('b', 2e6, 100ms);
  p.join('c', 8e6, 60ms);
  p.open(3000 * megabyte);
  p.run_for(160s);
  CAF_CHECK(findings(p).empty());
}

CAF_TEST(a client that is slower than the lines makes nobody suspected) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.open(1000 * megabyte, 4e6);
  p.run_for(160s);
  CAF_CHECK(findings(p).empty());
}

CAF_TEST(short bodies are not disturbed) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.open(100 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
  CAF_CHECK(efficiency(p, p.bodies[0], instant{1s}) > 0.97);
}

CAF_TEST(looking costs little) {
  pool p;
  p.resolution = 10ms;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.open(1000 * megabyte);
  CAF_REQUIRE(p.run(200s));
  CAF_CHECK(is_exact(p));
  CAF_CHECK(efficiency(p, p.bodies[0], instant{1s}) > 0.96);
}
