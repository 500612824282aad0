#define CAF_SUITE own_first

#include "core/own_first.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

constexpr double mbit = 1e6 / 8;
constexpr double elastic = std::numeric_limits<double>::infinity();

/// What moved in a span of time, in bytes a second.
struct rates {
  double own = 0;
  double peers = 0;
};

/// A line that connections share evenly, in steps of 10 ms. A connection gets
/// faster only gradually, and peers read no more than they are allowed to.
struct simulated_line {
  double capacity = 40 * mbit;
  double own_demand = 0; ///< bytes a second, `elastic`: all it can get
  double peers_demand = elastic;
  int own_connections = 1;
  int peer_connections = 4;
  /// Peers' ranges are as large as what the line brings in this time, and come
  /// as fast as the line lets them: who reads slowly does not slow them down.
  duration burst = 0ms;
  bool yields = true;
  own_first machine;
  instant now{1s};

  /// Averages from now on.
  rates run(duration time) {
    rates out;
    auto seconds = std::chrono::duration<double>(time).count();
    for (; time > 0ms; time -= step) {
      auto moved = move();
      out.own += moved.own / seconds;
      out.peers += moved.peers / seconds;
    }
    return out;
  }

private:
  static constexpr duration step = 10ms;

  rates move() {
    auto limit = yields ? machine.limit().value_or(elastic) : elastic;
    auto own = std::min(own_demand, reach_);
    auto peers = std::min(peers_demand, bursts(std::min(limit, capacity)));
    auto all = own_connections + peer_connections;
    auto fair = capacity * own_connections / all;
    if (own + peers > capacity) {
      if (own <= fair)
        peers = capacity - own;
      else if (peers <= capacity - fair)
        own = capacity - peers;
      else
        own = fair, peers = capacity - fair;
    }
    reach_ = std::clamp(own * 1.15, 0.02 * capacity, capacity);
    now += step;
    own_bytes_ += own * 0.01;
    peer_bytes_ += peers * 0.01;
    coming_ -= peers * 0.01;
    // Whoever counts looks now and then.
    if (++steps_ % 7 == 0)
      machine.moved(static_cast<uint64_t>(std::exchange(own_bytes_, 0)),
                    static_cast<uint64_t>(std::exchange(peer_bytes_, 0)), now);
    return {own * 0.01, peers * 0.01};
  }

  /// What comes at a time of what may come in the long run.
  double bursts(double rate) {
    if (burst == 0ms)
      return rate;
    allowed_ = std::min(allowed_ + rate * 0.01, rate * 0.1);
    auto size = capacity * std::chrono::duration<double>(burst).count();
    if (coming_ <= 0 && allowed_ > 0) {
      coming_ += size;
      allowed_ -= size;
    }
    return coming_ > 0 ? capacity : 0;
  }

  double allowed_ = 0; // bytes that peers may begin
  double coming_ = 0;  // bytes that they have begun
  double reach_ = 0;   // what own connections have grown to
  double own_bytes_ = 0;
  double peer_bytes_ = 0;
  int steps_ = 0;
};

} // namespace

// -- nothing to give way to ---------------------------------------------------

CAF_TEST(without own use nothing is limited) {
  simulated_line x;
  for (int i = 0; i < 600; ++i) {
    CAF_REQUIRE_EQUAL(x.run(100ms).peers, x.capacity);
    CAF_REQUIRE(!x.machine.limit());
  }
}

CAF_TEST(a trickle is no own use) {
  simulated_line x;
  x.run(2s);
  x.own_demand = 50 * 1024;
  for (int i = 0; i < 600; ++i) {
    x.run(100ms);
    CAF_REQUIRE(!x.machine.limit());
  }
}

CAF_TEST(nothing is limited a second after own use has ended) {
  simulated_line x;
  x.run(5s);
  x.own_demand = elastic;
  x.run(20s);
  CAF_CHECK(x.machine.limit());
  x.own_demand = 0;
  x.run(1500ms);
  CAF_CHECK(!x.machine.limit());
  CAF_CHECK_EQUAL(x.machine.wanted(), 0.0);
}

CAF_TEST(nothing is limited after a time that nobody has looked at) {
  simulated_line x;
  x.own_demand = elastic;
  x.run(5s);
  x.own_demand = 0;
  x.now += 60s;
  x.run(100ms);
  CAF_CHECK(!x.machine.limit());
}

// -- own use that takes what it gets ------------------------------------------

CAF_TEST(own use gets the line whose sharing would take half of it) {
  for (double capacity : {2 * mbit, 10 * mbit, 40 * mbit, 1000 * mbit}) {
    for (int peers : {1, 4, 12}) {
      simulated_line x;
      x.capacity = capacity;
      x.peer_connections = peers;
      x.run(5s);
      x.own_demand = elastic;
      x.run(2s);
      auto got = x.run(60s);
      CAF_CHECK(got.own >= 0.87 * capacity);
      CAF_CHECK(got.peers >= 0.05 * capacity);
      CAF_CHECK(got.own + got.peers >= 0.97 * capacity);
    }
  }
}

CAF_TEST(peers are never stopped) {
  simulated_line x;
  x.run(5s);
  x.own_demand = elastic;
  for (int i = 0; i < 600; ++i) {
    x.run(100ms);
    CAF_REQUIRE(x.machine.limit().value_or(elastic) >= 16 * 1024);
  }
}

CAF_TEST(own use that was there first keeps the line) {
  simulated_line x;
  x.own_demand = elastic;
  x.peers_demand = 0;
  x.run(10s);
  x.peers_demand = elastic;
  CAF_CHECK(x.run(30s).own >= 0.87 * x.capacity);
}

CAF_TEST(a page load has most of the line after a moment) {
  simulated_line x;
  x.run(10s);
  double own = 0;
  for (int i = 0; i < 10; ++i) {
    x.own_demand = elastic;
    x.run(500ms);
    own += x.run(1500ms).own / 10;
    x.own_demand = 0;
    x.run(5s);
  }
  CAF_CHECK(own >= 0.85 * x.capacity);
}

// -- own use that is bounded elsewhere ----------------------------------------

CAF_TEST(peers get what a stream of 2 Mbit a second leaves) {
  for (int peers : {1, 4, 12}) {
    simulated_line x;
    x.peer_connections = peers;
    x.run(5s);
    x.own_demand = 2 * mbit;
    x.run(2s);
    auto got = x.run(60s);
    CAF_CHECK(got.own >= 0.98 * 2 * mbit);
    CAF_CHECK(got.peers >= 0.85 * 38 * mbit);
  }
}

CAF_TEST(peers get what a stream of most of the line leaves) {
  for (double part : {0.3, 0.5, 0.7}) {
    simulated_line x;
    x.run(5s);
    x.own_demand = part * x.capacity;
    x.run(3s);
    auto got = x.run(60s);
    CAF_CHECK(got.own >= 0.9 * x.own_demand);
    CAF_CHECK(got.peers >= 0.7 * (x.capacity - x.own_demand));
  }
}

CAF_TEST(a download beside a stream takes over) {
  simulated_line x;
  x.run(5s);
  x.own_demand = 2 * mbit;
  x.run(15s);
  x.own_demand = elastic;
  x.run(2s);
  CAF_CHECK(x.run(30s).own >= 0.87 * x.capacity);
}

CAF_TEST(a stream that is left of a download leaves the line to peers) {
  simulated_line x;
  x.run(5s);
  x.own_demand = elastic;
  x.run(15s);
  x.own_demand = 2 * mbit;
  x.run(3s);
  auto got = x.run(30s);
  CAF_CHECK(got.own >= 0.98 * 2 * mbit);
  CAF_CHECK(got.peers >= 0.85 * 38 * mbit);
}

CAF_TEST(own use that varies gets what it wants) {
  simulated_line x;
  x.run(5s);
  double wanted = 0;
  double got = 0;
  for (int i = 0; i < 60; ++i) {
    x.own_demand = (2 + 10 * (i % 3)) * mbit;
    x.run(500ms);
    wanted += x.own_demand;
    got += x.run(500ms).own;
  }
  CAF_CHECK(got >= 0.87 * wanted);
}

// -- lines of which little is known -------------------------------------------

CAF_TEST(how much a stream leaves of an unknown line is found out) {
  simulated_line x;
  x.own_demand = 2 * mbit;
  x.run(30s);
  auto got = x.run(60s);
  CAF_CHECK(got.own >= 0.95 * 2 * mbit);
  CAF_CHECK(got.peers >= 0.75 * 38 * mbit);
}

CAF_TEST(a download on an unknown line gets it) {
  simulated_line x;
  x.own_demand = elastic;
  x.run(2s);
  CAF_CHECK(x.run(30s).own >= 0.87 * x.capacity);
}

CAF_TEST(on a line that becomes slower own use gets what there is) {
  for (double slow : {0.1, 0.25, 0.5, 0.8}) {
    for (int peers : {1, 4, 12}) {
      simulated_line x;
      x.peer_connections = peers;
      x.run(20s);
      x.own_demand = elastic;
      x.run(10s);
      x.capacity *= slow;
      x.run(10s);
      CAF_CHECK(x.run(30s).own >= 0.85 * x.capacity);
    }
  }
}

CAF_TEST(on a line that became slower while nobody used it) {
  simulated_line x;
  x.run(20s);
  x.own_demand = elastic;
  x.capacity *= 0.25;
  x.run(6s);
  CAF_CHECK(x.run(30s).own >= 0.85 * x.capacity);
}

CAF_TEST(a line that becomes faster is shared again) {
  simulated_line x;
  x.capacity = 10 * mbit;
  x.run(20s);
  x.own_demand = 5 * mbit;
  x.run(5s);
  x.capacity = 40 * mbit;
  x.run(90s);
  auto got = x.run(30s);
  CAF_CHECK(got.own >= 0.95 * 5 * mbit);
  CAF_CHECK(got.peers >= 0.75 * 35 * mbit);
}

CAF_TEST(the peak of a line is forgotten slowly) {
  simulated_line x;
  x.run(5s);
  auto peak = x.machine.peak();
  CAF_CHECK(std::abs(peak - x.capacity) < 0.02 * x.capacity);
  x.peers_demand = 0;
  x.run(60s);
  CAF_CHECK(x.machine.peak() > 0.8 * peak);
  x.run(600s);
  CAF_CHECK(x.machine.peak() < 0.3 * peak);
}

CAF_TEST(a machine that never yields shares evenly) {
  simulated_line x;
  x.yields = false;
  x.run(5s);
  x.own_demand = elastic;
  x.run(2s);
  CAF_CHECK(x.run(10s).own <= 0.25 * x.capacity);
}

CAF_TEST(own use gets the line also beside ranges that come at once) {
  for (int peers : {1, 4, 12}) {
    simulated_line x;
    x.peer_connections = peers;
    x.burst = 200ms;
    x.run(5s);
    x.own_demand = elastic;
    x.run(3s);
    auto got = x.run(60s);
    CAF_CHECK(got.own >= 0.82 * x.capacity);
  }
}

// -- whatever happens ---------------------------------------------------------

CAF_TEST(on lines of all kinds own use gets what it wants and peers the rest) {
  std::mt19937 random{1};
  auto pick = [&](double from, double to) {
    std::uniform_real_distribution<> out{std::log(from), std::log(to)};
    return std::exp(out(random));
  };
  std::vector<double> own;
  std::vector<double> peers;
  for (int i = 0; i < 500; ++i) {
    simulated_line x;
    x.capacity = pick(2, 1000) * mbit;
    x.own_connections = 1 + static_cast<int>(random() % 3);
    x.peer_connections = 1 + static_cast<int>(random() % 12);
    x.burst = random() % 2 ? 200ms : 0ms;
    x.run(3s);
    for (int j = 0; j < 6; ++j) {
      auto part = pick(0.05, 3);
      x.own_demand = part > 1 ? elastic : part * x.capacity;
      if (random() % 4 == 0)
        x.capacity *= pick(0.5, 2);
      x.run(6s);
      auto got = x.run(6s);
      auto wanted = std::min(x.own_demand, x.capacity - 16 * 1024);
      own.push_back(got.own / wanted);
      if (wanted < 0.7 * x.capacity)
        peers.push_back(got.peers / (x.capacity - wanted));
    }
  }
  std::ranges::sort(own);
  std::ranges::sort(peers);
  // What is worse has just changed.
  CAF_CHECK(own[own.size() / 100] >= 0.8);
  CAF_CHECK(own[own.size() / 20] >= 0.85);
  CAF_CHECK(peers[peers.size() / 20] >= 0.1);
  CAF_CHECK(peers[peers.size() / 2] >= 0.8);
}
