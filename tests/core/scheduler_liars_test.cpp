#define CAF_SUITE scheduler_liars

#include "tests/core/scheduler_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::sim;

namespace {

constexpr double mb = megabyte;

/// When the last of a peer's `set_aside` ends; zero without one.
duration aside(const pool& x) {
  instant out = x.now;
  for (auto& action : x.history)
    if (auto y = std::get_if<scheduler::set_aside>(&action); y && y->lied)
      out = y->until;
  return out - x.now;
}

} // namespace

CAF_TEST(a lying peer is set aside and others bring what it brought) {
  pool p;
  p.join('o', mb);
  p.join('b', mb);
  p.join('a', mb).lies = true;
  p.open(20 * megabyte);
  CAF_CHECK(p.run());
  CAF_CHECK(is_exact(p));
  CAF_CHECK_EQUAL(count_actions<scheduler::set_aside>(p), 1u);
  CAF_CHECK_EQUAL(p.bodies[0].core.ledger().bytes_by_source.at(device('a')),
                  0u);
  CAF_CHECK(p.bodies[0].core.ledger().bytes_by_source.at(device('b')) > 8 * mb);
}

CAF_TEST(with a liar alone the own line brings all) {
  pool p;
  p.join('o', mb);
  p.join('a', mb).lies = true;
  p.open(5 * megabyte);
  CAF_CHECK(p.run());
  CAF_CHECK(is_exact(p));
}

CAF_TEST(a liar gets nothing for ten minutes and longer the next time) {
  pool p;
  p.join('o', mb);
  p.join('a', mb).lies = true;
  p.open(20 * megabyte);
  p.run_for(3s);
  CAF_CHECK(aside(p) > 9min && aside(p) <= 10min);
  auto grants = grants_of(p, 'a').size();
  p.run_for(60s);
  p.open(20 * megabyte);
  p.run_for(60s);
  CAF_CHECK_EQUAL(grants_of(p, 'a').size(), grants);
  p.resolution = 1s;
  p.run_for(9min);
  p.resolution = 1ms;
  p.open(20 * megabyte);
  p.run_for(3s);
  CAF_CHECK(grants_of(p, 'a').size() > grants);
  CAF_CHECK(aside(p) > 19min && aside(p) <= 20min);
}

CAF_TEST(a liar that comes back is where it was) {
  pool p;
  p.join('o', mb);
  p.join('a', mb).lies = true;
  p.open(20 * megabyte);
  p.run_for(3s);
  auto grants = grants_of(p, 'a').size();
  p.leave('a');
  p.run_for(1s);
  p.join('a', mb);
  CAF_CHECK_EQUAL(count_actions<scheduler::set_aside>(p), 2u);
  CAF_CHECK(p.run());
  CAF_CHECK(is_exact(p));
  CAF_CHECK_EQUAL(grants_of(p, 'a').size(), grants);
}

CAF_TEST(several lies of one body are one) {
  scheduler x;
  x.source_joined(device('a'), {}, instant{1s});
  transfer_id body{};
  x.source_lied(device('a'), body, {}, instant{2s});
  x.source_lied(device('a'), body, {}, instant{3s});
  std::vector<instant> until;
  while (auto action = x.poll())
    if (auto y = std::get_if<scheduler::set_aside>(&*action))
      until.push_back(y->until);
  CAF_REQUIRE_EQUAL(until.size(), 2u);
  CAF_CHECK(until[0] == instant{10min + 2s} && until[1] == until[0]);
}

CAF_TEST(what was dropped is leased again though others have passed it) {
  scheduler x;
  transfer_id body{};
  auto own = device('o'), liar = device('a'), other = device('b');
  x.source_joined(own, {true, false}, instant{1s});
  x.source_joined(liar, {}, instant{1s});
  x.source_joined(other, {}, instant{1s});
  x.transfer_opened(body, "origin", {0, 2_MiB}, instant{1s});
  // The other one brings half of a lease; then the liar is found to have
  // brought that first.
  std::vector<scheduler::grant> grants;
  auto drain = [&] {
    while (auto action = x.poll())
      if (auto y = std::get_if<scheduler::grant>(&*action))
        grants.push_back(*y);
  };
  drain();
  auto mine = std::ranges::find(grants, other, &scheduler::grant::source);
  CAF_REQUIRE(mine != grants.end());
  auto first = *mine;
  auto half = first.range.begin + first.range.size() / 2;
  x.lease_progressed(first.lease, half, instant{2s});
  drain();
  grants.clear();
  byte_range dropped{first.range.begin, half};
  x.source_lied(liar, body, {dropped}, instant{3s});
  x.lease_progressed(first.lease, first.range.end, instant{4s});
  x.lease_done(first.lease, instant{4s});
  // What the liar had leased goes back, too, and may be leased first.
  interval_set again;
  auto now = instant{4s};
  for (drain(); !grants.empty(); drain()) {
    auto next = grants.back();
    grants.pop_back();
    if (next.source != other)
      continue;
    again.insert(next.range);
    x.lease_done(next.lease, now += 100ms);
  }
  CAF_CHECK(again.contains(dropped));
}
