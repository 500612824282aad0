#define CAF_SUITE scheduler_lines

#include "tests/core/scheduler_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::sim;

namespace {

/// Another line of our own device.
line& join_line(pool& p, char name, double rate) {
  auto& out = p.join(name, rate);
  out.traits = {};
  out.traits.line = true;
  out.traits.stops = true;
  p.machine.source_joined(device(name), out.traits, p.now);
  return out;
}

} // namespace

CAF_TEST(several own lines bring what they bring together) {
  pool p;
  p.join('o', 5e6);
  join_line(p, 'q', 5e6);
  join_line(p, 'r', 2e6);
  p.open(60 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
  CAF_CHECK_EQUAL(p.machine.peers(), 0u);
  CAF_CHECK(efficiency(p, p.bodies[0], instant{1s}) > 0.9);
}

CAF_TEST(an own line that fails is set aside and comes back) {
  pool p;
  p.join('o', 5e6);
  join_line(p, 'q', 5e6).fails = chunk_failure::unavailable;
  p.open(300 * megabyte);
  p.run_for(10s);
  CAF_CHECK_EQUAL(count_actions<scheduler::set_aside>(p), 1u);
  CAF_CHECK_EQUAL(p.lines.at('q').spent, 0.0);
  p.lines.at('q').fails.reset();
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
  CAF_CHECK(p.lines.at('q').spent > 10e6);
}

CAF_TEST(an own line that sees another representation does not end a body) {
  pool p;
  p.join('o', 5e6);
  join_line(p, 'q', 5e6).fails = chunk_failure::mismatch;
  p.open(20 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
}

CAF_TEST(a body is completed by other lines when the first one goes) {
  pool p;
  p.join('o', 5e6);
  join_line(p, 'q', 5e6);
  p.open(40 * megabyte);
  p.run_for(3s);
  p.leave('o');
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
}
