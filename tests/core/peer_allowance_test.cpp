#define CAF_SUITE peer_allowance

#include "core/part_size.hpp"
#include "core/peer_allowance.hpp"

#include <algorithm>
#include <vector>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

/// Peers that read as much as they may, and own use of a fixed rate.
struct readers {
  peer_allowance x;
  instant now{1s};
  uint64_t own = 0;
  uint64_t own_rate = 0; ///< bytes a second
  uint64_t read = 0;     ///< by all
  std::vector<double> places;
  std::vector<instant> next;

  readers(peer_allowance allowance, size_t count)
    : x(std::move(allowance)),
      places(count, x.place()),
      next(count, instant{1s}) {}

  /// How many bytes were read in this time.
  uint64_t run(duration time) {
    auto before = read;
    for (; time > 0ms; time -= 10ms) {
      now += 10ms;
      own += own_rate / 100;
      x.look(own, now);
      for (size_t i = 0; i < next.size(); ++i)
        if (next[i] <= now)
          read_on(i);
    }
    return read - before;
  }

private:
  void read_on(size_t i) {
    if (auto wait = x.wait(places[i], now); wait > 0ms) {
      next[i] = now + wait;
      return;
    }
    read += x.piece();
    x.arrived(x.piece());
    x.took(x.piece(), now);
    places[i] = x.place();
  }
};

} // namespace

CAF_TEST(without own use peers read as fast as they can) {
  readers all{peer_allowance{0, true}, 2};
  CAF_CHECK_EQUAL(all.run(1s), 2 * 100 * piece_size);
  CAF_CHECK(!all.x.held_to());
}

CAF_TEST(a fixed rate is kept to with and without own use) {
  for (bool yields : {true, false}) {
    readers all{peer_allowance{100'000, yields}, 5};
    auto got = all.run(10s);
    CAF_CHECK(got >= 950'000 && got <= 1'100'000);
    all.own_rate = 10'000'000;
    all.run(4s);
    CAF_CHECK_EQUAL(all.x.held_to().has_value(), yields);
    CAF_CHECK(all.run(10s) <= 1'100'000);
  }
}

CAF_TEST(own use makes those wait who read) {
  readers all{peer_allowance{0, true}, 4};
  all.own_rate = 1'000'000;
  all.run(500ms);
  CAF_REQUIRE(all.x.held_to());
  auto limit = *all.x.held_to();
  auto got = static_cast<double>(all.run(500ms));
  CAF_CHECK(got >= 0.1 * limit && got <= 0.6 * limit);
}

CAF_TEST(whoever waits reads on soon after own use has ended) {
  readers all{peer_allowance{0, true}, 4};
  all.own_rate = 1'000'000;
  all.run(3s);
  CAF_REQUIRE(all.x.held_to());
  all.own_rate = 0;
  while (all.x.held_to())
    all.run(10ms);
  CAF_CHECK(all.run(110ms) >= 4 * piece_size);
}

CAF_TEST(what was read without a limit is not owed for long) {
  token_bucket x{0};
  instant now{1s};
  (void)x.take(10_MiB, now);
  x.set_rate(100'000, now);
  auto place = x.taken();
  CAF_CHECK(x.wait(place, now) == 0ms);
  (void)x.take(1_MiB, now);
  x.set_rate(50'000, now);
  CAF_CHECK(x.wait(x.taken(), now) <= 501ms);
}

CAF_TEST(a lower rate leaves no credit of the higher one) {
  token_bucket x{1'000'000};
  instant now{1s};
  now += 10s;
  x.set_rate(10'000, now);
  CAF_CHECK(x.take(10'000, now) >= 900ms);
}

CAF_TEST(a higher rate shortens the wait) {
  token_bucket x{1000};
  instant now{1s};
  (void)x.take(600, now);
  auto place = x.taken();
  CAF_CHECK(x.wait(place, now) >= 500ms);
  x.set_rate(10'000, now);
  CAF_CHECK(x.wait(place, now) <= 51ms);
}

CAF_TEST(pieces are small when rates are) {
  readers all{peer_allowance{100'000, true}, 1};
  CAF_CHECK_EQUAL(all.x.piece(), 5000u);
}
