#define CAF_SUITE scheduler_origin

#include "tests/core/scheduler_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::sim;

namespace {

/// The most that a device had to bring at a time.
size_t most_jobs(pool& p, char name, duration time) {
  size_t most = 0;
  for (auto until = p.now + time; p.now < until && !p.idle(); p.step())
    most = std::max(most, p.lines.at(name).jobs.size());
  return most;
}

} // namespace

CAF_TEST(an origin that takes one request of a device gets one) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6).origin.max_connections = 1;
  p.open(40 * megabyte);
  p.run_for(1s);
  CAF_CHECK(p.machine.limits().cap({device('a'), "origin"}) == 1u);
  auto before = p.lines.at('a').turned_away;
  CAF_CHECK_EQUAL(most_jobs(p, 'a', 60s), 1u);
  CAF_REQUIRE(is_exact(p));
  CAF_CHECK(before <= 3);
  CAF_CHECK_EQUAL(p.lines.at('a').turned_away, before);
  CAF_CHECK(p.lines.at('a').spent > 10e6);
}

CAF_TEST(an origin that takes two requests of a device gets two) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6, 100ms).origin.max_connections = 2;
  p.open(60 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
  CAF_CHECK(p.lines.at('a').turned_away <= 3);
  CAF_CHECK(efficiency(p, p.bodies[0], instant{1s}) > 0.85);
}

CAF_TEST(where one request is all the spine goes on) {
  pool p;
  p.join('o', 5e6).origin.max_connections = 1;
  p.join('a', 5e6);
  p.open(20 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
  CAF_CHECK_EQUAL(p.lines.at('o').turned_away, 1u);
  // The next body does not even ask.
  p.open(20 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p, 1));
  CAF_CHECK_EQUAL(p.lines.at('o').turned_away, 1u);
  CAF_CHECK_EQUAL(p.bodies[1].switches, 0u);
}

CAF_TEST(an origin that names a time is not asked before) {
  pool p;
  p.join('o', 2e6);
  auto& a = p.join('a', 5e6);
  a.origin.retry_after = 2s;
  a.fails = chunk_failure::busy;
  p.open(30 * megabyte);
  p.run_for(500ms);
  auto asked = p.lines.at('a').grants;
  CAF_CHECK(asked > 0 && asked <= 3);
  p.lines.at('a').fails.reset();
  p.run_for(1400ms);
  CAF_CHECK_EQUAL(p.lines.at('a').grants, asked);
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
  CAF_CHECK(p.lines.at('a').spent > 5e6);
}

CAF_TEST(a busy origin does not count against the device) {
  pool p;
  p.join('o', 2e6);
  p.join('a', 5e6).fails = chunk_failure::busy;
  p.open(30 * megabyte);
  p.open(30 * megabyte, unlimited, "another");
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p) && is_exact(p, 1));
  for (auto& action : p.history)
    CAF_CHECK(!std::holds_alternative<scheduler::set_aside>(action));
}

CAF_TEST(a body that only a busy origin could complete is given up) {
  pool p;
  p.join('o', 5e6).fails = chunk_failure::busy;
  p.join('a', 5e6).fails = chunk_failure::busy;
  p.open(20 * megabyte);
  p.run_for(300ms);
  p.lose_spine(0);
  p.run(600s);
  CAF_CHECK(!p.bodies[0].open);
  CAF_CHECK(!p.bodies[0].gave_up.empty());
}

CAF_TEST(who the origin refuses is left out of its next bodies for a while) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6).fails = chunk_failure::refused;
  p.open(10 * megabyte);
  CAF_REQUIRE(p.run());
  auto asked = p.lines.at('a').grants;
  CAF_CHECK(asked > 0);
  p.lines.at('a').fails.reset();
  p.open(10 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(p.lines.at('a').grants, asked);
  // It may come and go meanwhile.
  p.leave('a');
  p.join('a', 5e6);
  p.open(10 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(p.lines.at('a').spent, 0.0);
  p.open(10 * megabyte, unlimited, "another");
  CAF_REQUIRE(p.run());
  CAF_CHECK(p.lines.at('a').spent > 0);
  p.run_for(600s);
  p.open(10 * megabyte);
  auto before = p.lines.at('a').spent;
  CAF_REQUIRE(p.run());
  CAF_CHECK(p.lines.at('a').spent > before);
}
