#define CAF_SUITE scheduler_failures

#include "tests/core/scheduler_fixture.hpp"

#include <random>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::sim;

// -- peers that fail ----------------------------------------------------------

CAF_TEST(what a frozen peer holds at the play head is fetched by others) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.join('b', 5e6);
  p.open(40_MiB);
  p.run_for(500ms);
  p.lines.at('a').frozen = true;
  auto held = p.lines.at('a').jobs.front().range;
  auto granted = p.lines.at('a').grants;
  p.run_for(2100ms);
  CAF_CHECK(std::any_of(p.history.begin(), p.history.end(), [&](auto& x) {
    auto y = std::get_if<scheduler::grant>(&x);
    return y && y->hedge && y->range == held && y->source != device('a');
  }));
  p.run_for(1s);
  CAF_CHECK(p.bodies[0].core.delivered() > held.end);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  // It is tried again now and then, with little.
  CAF_CHECK(p.lines.at('a').grants <= granted + 3);
  auto last = grants_of(p, 'a').back();
  CAF_CHECK(p.lines.at('a').grants == granted || last.range.size() <= 64_KiB);
}

CAF_TEST(a frozen peer does not hold up the end of a body) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.open(3_MiB);
  p.lines.at('a').frozen = true;
  auto begin = p.now;
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK(p.bodies[0].ended - begin < 2500ms);
}

CAF_TEST(the leases of a peer that leaves go to others at once) {
  pool p;
  p.join('o', 1e6);
  p.join('a', 1e6);
  p.join('b', 1e6);
  p.open(8_MiB);
  p.run_for(100ms);
  auto held = grants_of(p, 'a');
  CAF_REQUIRE_EQUAL(held.size(), 3u);
  auto before = p.history.size();
  p.leave('a');
  p.run_for(1000ms);
  auto first = std::find_if(
      p.history.begin() + static_cast<ptrdiff_t>(before), p.history.end(),
      [](auto& x) { return std::holds_alternative<scheduler::grant>(x); });
  CAF_REQUIRE(first != p.history.end());
  CAF_CHECK_EQUAL(std::get<scheduler::grant>(*first).range.begin,
                  held[0].range.begin);
  CAF_REQUIRE(p.run());
  auto& b = p.bodies[0];
  CAF_CHECK(b.exact && b.failed.empty());
  CAF_CHECK(shows_only(b.picture, "Sob"));
}

CAF_TEST(a peer that is refused gets no more of that origin but of others) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6).fails = chunk_failure::refused;
  p.open(4_MiB);
  p.run_for(100ms);
  CAF_CHECK_EQUAL(p.lines.at('a').grants, 3u);
  p.lines.at('a').fails.reset();
  p.open(4_MiB, unlimited, "another");
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(count(p.bodies[0].picture, 'a'), 0u);
  CAF_CHECK(count(p.bodies[1].picture, 'a') > 0);
  CAF_CHECK(p.bodies[0].exact && p.bodies[1].exact);
}

CAF_TEST(a peer that sees another representation is left out) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6).fails = chunk_failure::mismatch;
  p.join('b', 5e6);
  p.open(8_MiB);
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(p.lines.at('a').grants, 3u);
  CAF_CHECK(shows_only(p.bodies[0].picture, "Sob"));
  CAF_CHECK(p.bodies[0].failed.empty());
}

CAF_TEST(a peer whose bytes have wrong hashes is set aside) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6).fails = chunk_failure::integrity;
  p.open(32_MiB);
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(count_actions<scheduler::set_aside>(p), 1u);
  CAF_CHECK(p.lines.at('a').grants <= 4);
  CAF_CHECK(shows_only(p.bodies[0].picture, "So"));
  CAF_CHECK(p.bodies[0].exact && p.bodies[0].failed.empty());
}

CAF_TEST(a peer that cannot now is asked again after a rest) {
  pool p;
  p.join('o', 2e6);
  p.join('a', 5e6).fails = chunk_failure::unavailable;
  p.open(8_MiB);
  p.run_for(150ms);
  CAF_CHECK_EQUAL(p.lines.at('a').grants, 3u);
  p.lines.at('a').fails.reset();
  CAF_REQUIRE(p.run());
  CAF_CHECK(count(p.bodies[0].picture, 'a') > 8);
  CAF_CHECK(p.bodies[0].exact && p.bodies[0].failed.empty());
}

// -- the spine and the own line -----------------------------------------------

CAF_TEST(a refused successor is tried once and the spine reads on) {
  pool p;
  p.join('o', 5e6).fails = chunk_failure::refused;
  p.join('a', 1e6);
  p.open(8_MiB);
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(p.lines.at('o').grants, 1u);
  CAF_CHECK_EQUAL(p.bodies[0].switches, 1u);
  CAF_CHECK(p.bodies[0].exact && p.bodies[0].failed.empty());
  CAF_CHECK(shows_only(p.bodies[0].picture, "Sa"));
}

CAF_TEST(the own line takes over from a spine that was lost) {
  pool p;
  p.join('o', 5e6);
  p.open(4_MiB);
  p.run_for(300ms);
  p.lose_spine(0);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  auto& picture = p.bodies[0].picture;
  auto first = picture.find('o');
  CAF_CHECK(first > 2 && first < 8);
  CAF_CHECK_EQUAL(picture,
                  std::string(first, 'S') + std::string(16 - first, 'o') + ".");
}

CAF_TEST(a spine lost after a refusal leaves nothing that nobody fetches) {
  pool p;
  p.join('o', 2e6).fails = chunk_failure::refused;
  p.join('a', 1e6).fails = chunk_failure::refused;
  p.open(8_MiB);
  p.run_for(1500ms);
  p.lines.at('o').fails.reset();
  p.lose_spine(0);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK(shows_only(p.bodies[0].picture, "So"));
}

CAF_TEST(another representation on the own line ends the body) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.open(16_MiB);
  p.run_for(600ms);
  CAF_REQUIRE(!p.bodies[0].core.spine_alive());
  p.lines.at('o').fails = chunk_failure::mismatch;
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(count_actions<scheduler::give_up>(p), 1u);
  CAF_CHECK_EQUAL(p.bodies[0].gave_up, "the origin's copy has changed");
}

CAF_TEST(a body that nobody can bring is given up) {
  pool p;
  p.join('o', 5e6).fails = chunk_failure::refused;
  p.join('a', 5e6).fails = chunk_failure::refused;
  p.open(16_MiB);
  p.run_for(400ms);
  p.lose_spine(0);
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(p.bodies[0].gave_up, "no device can bring the rest");
}

CAF_TEST(a body is given up when its last hope leaves) {
  pool p;
  p.join('o', 1e6).fails = chunk_failure::refused;
  p.join('a', 1e6);
  p.open(8_MiB);
  p.run_for(400ms);
  p.lose_spine(0);
  p.run_for(400ms);
  CAF_REQUIRE(p.bodies[0].open);
  p.leave('a');
  CAF_CHECK(p.run(100ms));
  CAF_CHECK_EQUAL(p.bodies[0].gave_up, "no device can bring the rest");
}

CAF_TEST(a body waits for an own line that restarts) {
  pool p;
  p.join('o', 5e6);
  p.open(8_MiB);
  p.run_for(400ms);
  p.leave('o');
  p.lose_spine(0);
  p.run_for(500ms);
  CAF_CHECK(p.bodies[0].open);
  p.join('o', 5e6);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
}

CAF_TEST(a body does not wait for an own line for ever) {
  pool p;
  p.join('o', 5e6);
  p.open(8_MiB);
  p.run_for(400ms);
  p.leave('o');
  p.lose_spine(0);
  CAF_CHECK(p.run(6s));
  CAF_CHECK_EQUAL(p.bodies[0].gave_up, "no device can bring the rest");
}

CAF_TEST(single failures of the own line in a long body are forgiven) {
  pool p;
  auto& own = p.join('o', 5e6);
  p.open(60_MiB);
  p.run_for(200ms);
  p.lose_spine(0);
  for (int i = 0; i < 8; ++i) {
    own.fails = chunk_failure::unavailable;
    p.step();
    own.fails.reset();
    p.run_for(1s);
  }
  CAF_REQUIRE(p.run());
  CAF_CHECK(p.bodies[0].failed.empty() && p.bodies[0].exact);
}

CAF_TEST(single answers of another server than the others are forgiven) {
  pool p;
  auto& own = p.join('o', 5e6);
  p.open(60_MiB);
  p.run_for(200ms);
  p.lose_spine(0);
  for (int i = 0; i < 8; ++i) {
    own.fails = chunk_failure::mismatch;
    for (auto before = own.grants; own.grants == before && p.bodies[0].open;)
      p.step(); // until something has failed and is leased anew
    own.fails.reset();
    p.run_for(500ms);
  }
  CAF_REQUIRE(p.run());
  CAF_CHECK_EQUAL(p.bodies[0].gave_up, "");
  CAF_CHECK(p.bodies[0].exact);
}

CAF_TEST(an own line that has failed for a while brings what peers leave) {
  pool p;
  p.secure = true;
  auto& own = p.join('o', 5e6);
  p.join('a', 1e6);
  p.open(60_MiB);
  p.run_for(1s);
  p.lose_spine(0);
  own.fails = chunk_failure::unavailable;
  p.run_for(8s);
  CAF_CHECK(p.bodies[0].open);
  own.fails.reset();
  auto before = own.spent;
  p.run_for(4s);
  CAF_CHECK(own.spent - before > 2e6);
  p.leave('a');
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
}

CAF_TEST(an own line that goes on failing ends a body that has nobody else) {
  pool p;
  auto& own = p.join('o', 5e6);
  p.open(60_MiB);
  p.run_for(200ms);
  p.lose_spine(0);
  own.fails = chunk_failure::unavailable;
  CAF_REQUIRE(p.run(30s));
  CAF_CHECK_EQUAL(p.bodies[0].gave_up, "no device can bring the rest");
}

// -- whatever happens ---------------------------------------------------------

namespace {

using engine = std::mt19937;

bool chance(engine& random, unsigned one_in) {
  return random() % one_in == 0;
}

char any_name(engine& random) {
  return "oabcd"[random() % 5];
}

/// Something goes wrong, or right again.
void disturb(pool& p, engine& random) {
  static constexpr chunk_failure failures[] = {
      chunk_failure::unavailable, chunk_failure::refused,
      chunk_failure::mismatch, chunk_failure::integrity, chunk_failure::busy};
  auto name = any_name(random);
  auto i = p.lines.find(name);
  if (i == p.lines.end() || !i->second.present) {
    p.join(name, 1e5 * (1 + random() % 100),
           1ms * static_cast<int>(random() % 200), random() % 4 == 0);
    return;
  }
  switch (random() % 6) {
    case 0:
      p.leave(name);
      return;
    case 1:
      i->second.frozen = !i->second.frozen;
      return;
    case 2:
      // The own line seldom sees another representation.
      i->second.fails = failures[random() % (name == 'o' ? 2 : 5)];
      return;
    case 3:
      p.lose_spine(random() % p.bodies.size());
      return;
    default:
      i->second.fails.reset();
      i->second.frozen = false;
  }
}

void run_disturbed(unsigned seed) {
  engine random{seed};
  scheduler_config config;
  config.memory = 1_MiB << random() % 6;
  pool p{config};
  p.join('o', 1e6 * (1 + random() % 10));
  for (auto count = 1 + random() % 3; count > 0; --count)
    p.open(1 + random() % (6 * megabyte), random() % 3 ? 1e12 : 2e6);
  for (int i = 0; i < 20'000 && !p.idle(); ++i) {
    p.step();
    if (chance(random, 100))
      disturb(p, random);
  }
  // After the storm: a spine that is not lost reads on, frozen ones time out.
  p.run(120s);
  for (auto& b : p.bodies) {
    bool done = b.failed.empty() && b.received == b.core.body().end;
    bool given_up = !b.gave_up.empty() || !b.failed.empty();
    if (b.open || !b.exact || done == given_up)
      CAF_FAIL("seed " << seed << ": " << b.picture << " " << b.failed);
  }
  CAF_CHECK_EQUAL(p.beyond_body + p.beyond_window, 0u);
}

} // namespace

CAF_TEST(whatever happens a body is exact or given up and nothing hangs) {
  for (unsigned seed = 1; seed <= 120; ++seed)
    run_disturbed(seed);
}

CAF_TEST(what is late is brought by who is idle though nothing else happens) {
  pool p;
  p.secure = true;
  p.audit = 0; // samples wait for the own line
  p.join('o', 0.5e6, 100ms);
  p.join('a', 14e6, 110ms);
  p.open(40 * megabyte);
  while (p.bodies[0].asked.bound() < 40 * megabyte)
    p.step();
  auto frozen = p.now;
  p.lines.at('o').frozen = true;
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
  // It is overdue after a second.
  CAF_CHECK(p.bodies[0].ended - frozen < 900ms);
}
