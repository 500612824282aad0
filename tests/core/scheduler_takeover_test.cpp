#define CAF_SUITE scheduler_takeover

#include "tests/sim/pool.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::sim;

// -- a scheduler that takes over ----------------------------------------------

namespace {

/// What a scheduler without peers leases of a body of 4 MiB, a character for
/// each 256 KiB: `o` own line, `a` a peer, `.` nobody.
std::string taken_over(body_progress so_far) {
  scheduler_config config;
  config.first_lease = 1000;
  scheduler x{config};
  auto now = instant{1s};
  x.source_joined(device('o'), {true, false}, now);
  x.source_joined(device('a'), {false, false}, now);
  transfer_id id;
  x.transfer_resumed(id, "origin", {0, 4_MiB}, std::move(so_far), now);
  std::string out(16, '.');
  for (int i = 0; i < 100; ++i) {
    std::vector<scheduler::grant> grants;
    while (auto action = x.poll())
      if (auto grant = std::get_if<scheduler::grant>(&*action))
        grants.push_back(*grant);
    for (auto& grant : grants) {
      if (grant.lease < 1000)
        return "a number of the predecessor";
      if (!grant.hedge)
        for (auto at = grant.range.begin; at < grant.range.end; at += 256_KiB)
          out[at / 256_KiB] = static_cast<char>(grant.source.bytes[0]);
      now += 50ms;
      x.lease_done(grant.lease, now);
    }
  }
  return out;
}

/// Parts that have arrived, a character for each 256 KiB.
interval_set here(const std::string& picture) {
  interval_set out;
  for (size_t i = 0; i < picture.size(); ++i)
    if (picture[i] == '#')
      out.insert({i * 256_KiB, (i + 1) * 256_KiB});
  return out;
}

bool fills(const std::string& leased, const std::string& arrived) {
  for (size_t i = 0; i < arrived.size(); ++i)
    if ((arrived[i] == '#') != (leased[i] == '.'))
      return false;
  return true;
}

} // namespace

CAF_TEST(a scheduler that takes over leases exactly what is missing) {
  for (std::string arrived : {"####..##....#...", "#...............",
                              "###############.", ".#.#.#.#.#.#.#.#"}) {
    auto leased = taken_over({0, 0, false, here(arrived)});
    CAF_MESSAGE(arrived << " " << leased);
    CAF_CHECK(fills(leased, arrived));
  }
}

CAF_TEST(a scheduler that takes over leaves a living spine its next part) {
  auto leased = taken_over({512_KiB, 256_KiB, true, here("##......##......")});
  CAF_MESSAGE(leased);
  CAF_CHECK_EQUAL(leased.substr(0, 4), "....");
  CAF_CHECK_EQUAL(leased.substr(8, 2), "..");
  CAF_CHECK_EQUAL(std::ranges::count(leased, 'a'), 10);
}

// -- a source that goes -------------------------------------------------------

CAF_TEST(what a lost source had leased goes at once to those who are busy) {
  scheduler x;
  auto now = instant{1s};
  x.source_joined(device('o'), {true, false}, now);
  x.source_joined(device('a'), {false, false}, now);
  x.source_joined(device('b'), {false, false}, now);
  transfer_id id;
  x.transfer_opened(id, "origin", {0, 64_MiB}, now);
  std::map<char, interval_set> leased;
  auto note_grants = [&] {
    while (auto action = x.poll())
      if (auto grant = std::get_if<scheduler::grant>(&*action))
        leased[static_cast<char>(grant->source.bytes[0])].insert(grant->range);
  };
  note_grants();
  CAF_REQUIRE(!leased['a'].empty());
  CAF_REQUIRE(!leased['b'].empty());
  // Nobody has brought a byte: everybody is as busy as they may be.
  x.source_left(device('a'), now + 10ms);
  note_grants();
  for (auto gap = leased['a'].first_from(0); gap;
       gap = leased['a'].first_from(gap->end))
    CAF_CHECK(leased['b'].contains(*gap));
}

CAF_TEST(a foreign source takes no more for one that went) {
  scheduler x;
  auto now = instant{1s};
  x.source_joined(device('a'), {false, false}, now);
  x.source_joined(device('f'), {false, true}, now);
  transfer_id id;
  x.transfer_opened(id, "origin", {0, 64_MiB}, now);
  while (x.poll()) {
  }
  x.source_left(device('a'), now + 10ms);
  while (auto action = x.poll())
    CAF_CHECK(!std::holds_alternative<scheduler::grant>(*action));
}
