#define CAF_SUITE scheduler

#include "tests/core/scheduler_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::sim;

// -- who fetched what ---------------------------------------------------------

CAF_TEST(a spine without peers brings all of the body by itself) {
  pool p;
  p.join('o', 5e6);
  p.open(4_MiB);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK_EQUAL(p.bodies[0].picture, "SSSSSSSSSSSSSSSS.");
  CAF_CHECK_EQUAL(count_actions<scheduler::grant>(p), 0u);
  CAF_CHECK_EQUAL(count_actions<scheduler::switch_spine>(p), 0u);
}

CAF_TEST(three equal lines share a body and the spine hands over once) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.join('b', 5e6);
  p.open(8_MiB);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  auto& picture = p.bodies[0].picture;
  CAF_MESSAGE(picture);
  CAF_CHECK_EQUAL(picture.substr(0, 2), "SS");
  CAF_CHECK(shows_only(picture, "Soab"));
  CAF_CHECK(count(picture, 'a') >= 8);
  CAF_CHECK(count(picture, 'b') >= 8);
  CAF_CHECK(count(picture, 'o') + count(picture, 'S') >= 8);
  CAF_CHECK_EQUAL(p.bodies[0].switches, 1u);
}

CAF_TEST(a body smaller than the claim is left to its spine) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.open(300_KiB);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK_EQUAL(p.lines.at('a').grants, 0u);
}

CAF_TEST(a foreign peer gets one chunk at a time) {
  pool p;
  p.join('o', 5e6);
  p.join('f', 5e6, 5ms, true);
  p.open(8_MiB);
  while (!p.idle()) {
    p.step();
    CAF_REQUIRE(p.lines.at('f').jobs.size() <= 1);
  }
  CAF_CHECK(complete(p));
  CAF_CHECK(p.lines.at('f').grants >= 4);
  // A quarter of a second.
  for (auto& x : grants_of(p, 'f'))
    CAF_CHECK(x.range.size() <= 1_MiB + 256_KiB);
  CAF_CHECK(p.machine.rate(device('f')).has_value());
}

CAF_TEST(what a far foreign peer is asked for takes longer than the way) {
  pool p;
  p.join('o', 0.5e6);
  p.join('f', 2e6, 150ms, true);
  p.open(60 * megabyte);
  p.run_for(4s);
  auto before = p.lines.at('f').spent;
  p.run_for(6s);
  CAF_CHECK(p.lines.at('f').spent - before > 0.75 * 2e6 * 6);
  for (auto& x : grants_of(p, 'f'))
    CAF_CHECK(x.range.size() <= 2 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
}

CAF_TEST(a peer that joins in the middle takes its part) {
  pool p;
  p.join('o', 5e6);
  p.open(8_MiB);
  p.run_for(600ms);
  p.join('a', 5e6);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK(shows_only(p.bodies[0].picture, "Soa"));
  CAF_CHECK(count(p.bodies[0].picture, 'a') >= 5);
}

CAF_TEST(several bodies share the sources) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.join('b', 5e6);
  for (int i = 0; i < 3; ++i)
    p.open(6_MiB);
  CAF_REQUIRE(p.run());
  for (size_t i = 0; i < 3; ++i) {
    CAF_CHECK(complete(p, i));
    CAF_CHECK(count(p.bodies[i].picture, 'a') > 0);
    CAF_CHECK(count(p.bodies[i].picture, 'b') > 0);
  }
}

// -- where sources are sent ---------------------------------------------------

namespace {

/// How far the farthest grant of `name` began ahead of what the client had.
uint64_t farthest(const pool& x, char name, size_t from) {
  uint64_t out = 0;
  for (size_t i = from; i < x.history.size(); ++i)
    if (auto y = std::get_if<scheduler::grant>(&x.history[i]);
        y && y->source == device(name) && !y->hedge)
      out = std::max(out, y->range.begin);
  return out;
}

} // namespace

CAF_TEST(a slow source is sent so far ahead that it is there in time) {
  pool p;
  p.audit = 0; // samples wait for the own line
  p.join('o', 10e6);
  p.join('a', 10e6);
  p.join('s', 0.1e6);
  p.open(200 * megabyte);
  p.run_for(3s);
  auto before = p.history.size();
  auto here = p.bodies[0].core.delivered();
  p.run_for(2s);
  // A lease of the slow one takes a third of a second and more.
  CAF_CHECK(farthest(p, 's', before) > here + 40 * megabyte);
  uint64_t hedged = 0;
  for (auto i = before; i < p.history.size(); ++i)
    if (auto x = std::get_if<scheduler::grant>(&p.history[i]); x && x->hedge)
      hedged += x->range.size();
  CAF_CHECK(hedged <= 128_KiB);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
}

CAF_TEST(a spine that collapses does not hold up what peers bring) {
  pool p;
  p.audit = 0; // samples wait for the own line
  auto& own = p.join('o', 1e6);
  p.join('a', 5e6);
  p.open(20 * megabyte);
  p.run_for(100ms);
  own.rate = 1e3;
  p.run_for(2s);
  CAF_CHECK(p.bodies[0].core.delivered() > 4 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK(p.bodies[0].ended - p.bodies[0].opened < 7s);
}

CAF_TEST(
    a rate that collapses in the middle of a lease is noticed before its end) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.open(200 * megabyte);
  p.run_for(4s);
  p.lines.at('a').rate = 0.05e6;
  auto known = *p.machine.rate(device('a'));
  // What it has would take it a minute.
  p.run_for(2s);
  CAF_CHECK(*p.machine.rate(device('a')) < known / 3);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK(waste(p, p.bodies[0]) < 0.03);
}

CAF_TEST(who is far is asked for more before what it has ends) {
  pool p;
  p.secure = true;
  p.audit = 0;
  p.join('o', 0.8e6, 110ms);
  p.join('a', 15e6, 150ms);
  // Each has a quarter of the window, and leases are small.
  for (int i = 0; i < 4; ++i)
    p.open(60 * megabyte);
  p.run_for(4s);
  auto before = p.lines.at('a').spent;
  p.run_for(8s);
  CAF_MESSAGE("used " << (p.lines.at('a').spent - before) / (15e6 * 8));
  CAF_CHECK(p.lines.at('a').spent - before > 0.98 * 15e6 * 8);
  CAF_REQUIRE(p.run());
  for (size_t i = 0; i < 4; ++i)
    CAF_CHECK(complete(p, i));
}

CAF_TEST(who never ends a lease gets no more than its rate is worth) {
  pool p;
  p.secure = true;
  p.audit = 0;
  p.join('o', 0.3e6, 110ms);
  p.join('a', 22e6, 140ms);
  p.open(300 * megabyte);
  p.run_for(3s);
  auto before = p.history.size();
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  uint64_t largest = 0;
  for (auto i = before; i < p.history.size(); ++i)
    if (auto x = std::get_if<scheduler::grant>(&p.history[i]);
        x && x->source == device('o'))
      largest = std::max(largest, x->range.size());
  // What is leased to it is taken over each time, as all wait for it.
  CAF_CHECK(largest <= 256_KiB);
}

CAF_TEST(the leases of one source do not end together) {
  pool p;
  p.join('o', 1e6);
  p.join('a', 10e6, 100ms);
  p.open(100 * megabyte);
  p.run_for(2s);
  auto begin = p.now;
  auto before = p.lines.at('a').spent;
  p.run_for(3s);
  CAF_CHECK(p.lines.at('a').spent - before
            > 0.93 * 10e6
                  * std::chrono::duration<double>(p.now - begin).count());
}

CAF_TEST(a small body does not wait for a large one) {
  pool p;
  p.join('o', 2e6);
  p.join('a', 2e6);
  p.open(100 * megabyte);
  p.run_for(2s);
  auto small = p.open(2 * megabyte);
  p.run_for(2s);
  // Alone it would take half a second, with an equal part of all a whole one.
  CAF_CHECK(!p.bodies[small].open);
  CAF_CHECK(p.bodies[small].ended - p.bodies[small].opened < 1750ms);
}

CAF_TEST(bodies have equal parts of the sources) {
  pool p;
  p.join('o', 3e6);
  p.join('a', 6e6);
  p.join('b', 3e6);
  for (int i = 0; i < 3; ++i)
    p.open(100 * megabyte);
  p.run_for(8s);
  for (auto& b : p.bodies) {
    auto part = static_cast<double>(b.core.here().size()) / (12e6 * 8);
    CAF_CHECK(part > 0.26 && part < 0.4);
  }
}

CAF_TEST(a slow front is brought by who has it and the rear by who helps) {
  pool p;
  p.audit = 0; // samples wait for the own line
  p.secure = true;
  p.join('o', 0.1e6);
  p.join('a', 0.4e6);
  auto begin = p.now;
  p.open(3 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  // The claim of the spine is five seconds of the own line.
  CAF_CHECK(p.bodies[0].ended - begin < 6500ms);
  CAF_CHECK(waste(p, p.bodies[0]) < 0.08);
}

CAF_TEST(who was helped ends in the middle of its range) {
  pool p;
  p.audit = 0;
  p.secure = true;
  p.join('o', 1e3);
  p.join('a', 8e6);
  p.join('b', 8e6);
  p.open(60 * megabyte);
  p.run_for(2s);
  p.lines.at('a').rate = 0.3e6;
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  // All of the last range came twice.
  CAF_CHECK(waste(p, p.bodies[0]) < 0.002);
}

CAF_TEST(who was slow once and got nothing for long is tried again) {
  pool p;
  p.audit = 0;
  p.secure = true;
  p.join('o', 10e6);
  p.join('a', 10e6);
  p.open(300 * megabyte);
  p.run_for(2s);
  p.lines.at('a').rate = 1e3;
  p.run_for(4s);
  p.lines.at('a').rate = 10e6;
  p.run_for(5s);
  auto before = p.lines.at('a').spent;
  p.run_for(1s);
  CAF_CHECK(p.lines.at('a').spent - before > 8e6);
  CAF_REQUIRE(p.run());
  CAF_CHECK(is_exact(p));
}

// -- speed --------------------------------------------------------------------

CAF_TEST(three lines are used to more than nine tenths) {
  pool p;
  for (auto name : {'o', 'a', 'b'})
    p.join(name, 5e6);
  auto begin = p.now;
  p.open(100 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_MESSAGE("efficiency " << efficiency(p, p.bodies[0], begin) << ", waste "
                            << waste(p, p.bodies[0]));
  CAF_CHECK(efficiency(p, p.bodies[0], begin) > 0.93);
  CAF_CHECK(waste(p, p.bodies[0]) < 0.03);
}

CAF_TEST(unequal lines are used well whichever of them is our own) {
  std::vector<double> rates{10, 20, 40, 80};
  for (size_t own = 0; own < rates.size(); ++own) {
    pool p;
    for (size_t i = 0; i < rates.size(); ++i)
      p.join(i == own ? 'o' : static_cast<char>('a' + i), rates[i] * mbit);
    auto begin = p.now;
    p.open(100 * megabyte);
    CAF_REQUIRE(p.run());
    CAF_CHECK(complete(p));
    CAF_MESSAGE("efficiency " << efficiency(p, p.bodies[0], begin) << ", waste "
                              << waste(p, p.bodies[0]));
    CAF_CHECK(efficiency(p, p.bodies[0], begin) > 0.9);
    CAF_CHECK(waste(p, p.bodies[0]) < 0.03);
  }
}

CAF_TEST(a spine faster than the answers of peers does not waste their work) {
  pool p;
  for (auto name : {'o', 'a', 'b'})
    p.join(name, 50e6, 30ms);
  auto begin = p.now;
  p.open(100 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK(efficiency(p, p.bodies[0], begin) > 0.6);
  CAF_CHECK(waste(p, p.bodies[0]) < 0.03);
}

CAF_TEST(a much slower peer costs next to nothing) {
  pool p;
  p.join('o', 5e6);
  p.join('a', 0.05e6);
  auto begin = p.now;
  p.open(20 * megabyte);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
  CAF_CHECK(p.bodies[0].ended - begin < 4500ms);
}

// -- origins ------------------------------------------------------------------

namespace {

/// A pod of three equal lines near to its origin.
void join_three(pool& p) {
  p.secure = true;
  p.audit = 0;
  for (auto name : {'o', 'a', 'b'})
    p.join(name, 5e6, 5ms);
}

/// From now on origins take so long to answer.
void answer_after(pool& p, duration way) {
  for (auto name : {'o', 'a', 'b'})
    p.lines.at(name).latency = way;
}

/// Downloads a body of 5 MB; how long that took.
duration download(pool& p, std::string origin) {
  auto begin = p.now;
  auto index = p.open(5 * megabyte, unlimited, std::move(origin));
  CAF_REQUIRE(p.run());
  CAF_REQUIRE(is_exact(p, index));
  return p.bodies[index].ended - begin;
}

} // namespace

CAF_TEST(what a late origin makes of a source is not thought of it elsewhere) {
  pool p;
  join_three(p);
  download(p, "prompt");
  auto before = download(p, "prompt");
  answer_after(p, 500ms);
  for (int i = 0; i < 4; ++i)
    download(p, "late");
  answer_after(p, 5ms);
  CAF_CHECK(download(p, "prompt") < before * 11 / 10);
}

CAF_TEST(peers help at a late origin as soon as they can) {
  pool p;
  join_three(p);
  download(p, "prompt");
  answer_after(p, 500ms);
  // The own line alone would need a second; the peers begin after half of it.
  CAF_CHECK(download(p, "late") < 800ms);
}

CAF_TEST(peers help as soon when an origin is late for the first time) {
  pool p;
  join_three(p);
  for (int i = 0; i < 3; ++i)
    download(p, "origin");
  answer_after(p, 500ms);
  CAF_CHECK(download(p, "origin") < 800ms);
  answer_after(p, 5ms);
  // The next thing may be prompt again.
  CAF_CHECK(download(p, "origin") < 450ms);
}

CAF_TEST(what is known of an origin is kept while it is used) {
  pool p;
  join_three(p);
  // One line is slow there; gives what is thought of it as a body begins.
  auto visit = [&] {
    p.lines.at('a').rate = 0.05e6;
    p.open(5 * megabyte, unlimited, "another");
    auto thought = *p.machine.rate(device('a'));
    CAF_REQUIRE(p.run());
    p.lines.at('a').rate = 5e6;
    return thought;
  };
  download(p, "other");
  CAF_CHECK(visit() > 1e6);
  for (int i = 0; i < 100; ++i) {
    download(p, "other " + std::to_string(i));
    if (i % 20 == 0)
      CAF_CHECK(visit() < 1e6);
  }
}

// -- bounds -------------------------------------------------------------------

CAF_TEST(nothing is leased beyond the window of a client that does not read) {
  scheduler_config config;
  config.memory = 4_MiB;
  pool p{config};
  p.join('o', 5e6);
  p.join('a', 5e6);
  p.join('b', 5e6);
  p.open(64_MiB, 0);
  p.run_for(10s);
  auto& b = p.bodies[0];
  CAF_CHECK_EQUAL(p.beyond_window, 0u);
  CAF_CHECK(b.core.delivered() <= 1_MiB);
  uint64_t end = 0;
  for (auto name : {'o', 'a', 'b'})
    for (auto& x : grants_of(p, name))
      end = std::max(end, x.range.end);
  CAF_CHECK(end <= b.core.delivered() + 4_MiB);
  CAF_CHECK(end > 4_MiB - 32_KiB);
  b.client_rate = 1e9;
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
}

CAF_TEST(many bodies that nobody reads are not brought to their ends) {
  scheduler_config config;
  config.memory = 32_MiB;
  pool p{config};
  p.secure = true;
  p.join('o', 50e6);
  p.join('a', 50e6);
  for (int i = 0; i < 60; ++i)
    p.open(32_MiB, 0);
  p.run_for(10s);
  uint64_t end = 0;
  for (auto name : {'o', 'a'})
    for (auto& x : grants_of(p, name))
      end = std::max(end, x.range.end);
  // What clients were given, and windows that were larger with fewer bodies.
  CAF_CHECK(end <= 4_MiB);
}

CAF_TEST(as many bodies fit as the memory can hold) {
  scheduler_config config;
  config.memory = 32_MiB;
  CAF_CHECK_EQUAL(config.in_flight(), 1_MiB);
  CAF_CHECK_EQUAL(config.most_bodies(), 42u);
  config.memory = 2_MiB;
  CAF_CHECK_EQUAL(config.in_flight(), 64_KiB);
  CAF_CHECK_EQUAL(config.most_bodies(), 7u);
  config.memory = 0;
  CAF_CHECK_EQUAL(config.most_bodies(), 1u);
}

CAF_TEST(a lease is small against the window that its body has) {
  pool p;
  p.join('o', 50e6);
  p.join('a', 50e6);
  for (int i = 0; i < 16; ++i)
    p.open(32_MiB);
  p.run_for(3s);
  uint64_t largest = 0;
  for (auto& x : grants_of(p, 'a'))
    largest = std::max(largest, x.range.size());
  // By its rate it would get 4 MiB.
  CAF_CHECK_EQUAL(largest, 512_KiB);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
}

CAF_TEST(the smallest window still lets a body through) {
  scheduler_config config;
  config.memory = 0;
  pool p{config};
  p.join('o', 5e6);
  p.join('a', 1e6);
  p.open(16_MiB, 3e6);
  CAF_REQUIRE(p.run());
  CAF_CHECK(complete(p));
}

CAF_TEST(a closed body takes its leases with it) {
  pool p;
  p.join('a', 1e6);
  p.open(8_MiB);
  CAF_CHECK_EQUAL(p.lines.at('a').grants, 3u);
  p.machine.transfer_closed(p.bodies[0].id, p.now);
  CAF_CHECK(!p.machine.deadline());
  size_t cancels = 0;
  while (auto x = p.machine.poll())
    cancels += std::holds_alternative<scheduler::cancel>(*x);
  CAF_CHECK_EQUAL(cancels, 3u);
  p.machine.lease_done(1, p.now);
  p.machine.lease_failed(2, chunk_failure::integrity, 0, p.now);
  CAF_CHECK(!p.machine.poll());
}
