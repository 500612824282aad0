#define CAF_SUITE sharing

#include "actors/wan_fetcher.hpp"
#include "tests/actors/scripted_peer.hpp"

#include <algorithm>
#include <map>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

constexpr uint64_t capacity = 4'000'000; ///< bytes a second

/// A line whose owner uses it, too: peers take four fifths of it if they are
/// let, and own use what they leave.
struct sharing_fixture : pod_fixture {
  device_ptr x;
  uint64_t own_demand = 0; ///< bytes a second
  uint64_t own_got = 0;    ///< bytes
  uint64_t backlog = 0;    ///< bytes that own use could not get yet
  std::map<const http_exchange*, uint64_t> received;

  void start(pod_config config = {}) {
    x = add_device(std::move(config));
    x->wan->rate = capacity;
    go_online(*x);
    server->size = 1'000'000'000;
    use_line();
  }

  void use_line() {
    each_step.push_back([this] {
      auto left = capacity / 200 - std::min(capacity / 200, carried());
      backlog = std::min(backlog, own_demand / 2) + own_demand / 200;
      auto own = std::min(backlog, left);
      backlog -= own;
      x->env->ports.own->add(own);
      own_got += own;
      x->wan->rate = own_demand > 0 ? capacity * 4 / 5 : capacity;
    });
  }

  /// Bytes that have come for peers since the last call.
  uint64_t carried() {
    uint64_t out = 0;
    std::map<const http_exchange*, uint64_t> now;
    for (auto* exchange : x->wan->exchanges) {
      auto before = received[exchange];
      auto all = now[exchange] = exchange->received();
      out += all - (all < before ? 0 : before);
    }
    received = std::move(now);
    return out;
  }

  /// A peer that always wants four ranges.
  struct hungry_peer {
    hungry_peer(sharing_fixture& world, uint64_t range_size)
      : size(range_size),
        peer{world, *world.x, hello_extension{1, 0, "friend"}},
        rep{world.server->etag, {}, world.server->size} {
      world.each_step.push_back([this] { ask_on(); });
    }

    void ask_on() {
      auto got = peer.got<chunk_data>().size();
      for (; is_hungry && asked < got + 4; ++asked)
        peer.ask({asked * size, (asked + 1) * size}, rep);
    }

    uint64_t size;
    scripted_peer peer;
    representation rep;
    uint64_t asked = 0;
    bool is_hungry = true;
  };

  wan_fetcher_state& fetcher() {
    using impl = placed_actor<wan_fetcher_actor, wan_fetcher_state>;
    return deref<impl>(x->env->lines.first().fetcher.get()).state;
  }

  /// Bytes a second that peers get in the time to come.
  double served_in(duration time) {
    auto before = x->env->counters.served_bytes.load();
    pass(time);
    auto got = x->env->counters.served_bytes.load() - before;
    return static_cast<double>(got)
           / std::chrono::duration<double>(time).count();
  }

  /// Bytes a second that own use gets in the time to come.
  double own_in(duration time) {
    own_got = 0;
    pass(time);
    return static_cast<double>(own_got)
           / std::chrono::duration<double>(time).count();
  }

  uint64_t held_to() const {
    return x->env->counters.held_to;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sharing_tests, sharing_fixture)

CAF_TEST(peers get the whole line while nobody else uses it) {
  start();
  hungry_peer y{*this, 100'000};
  pass(2s);
  CAF_CHECK(served_in(4s) >= 3'800'000);
  CAF_CHECK_EQUAL(held_to(), 0u);
}

CAF_TEST(peers get what own use leaves) {
  start();
  hungry_peer y{*this, 100'000};
  pass(4s);
  own_demand = 2'000'000;
  pass(500ms);
  CAF_CHECK(held_to() > 0);
  CAF_CHECK(served_in(700ms) <= 400'000); // they give way
  pass(2s);
  CAF_CHECK(own_in(20s) >= 1'900'000);
  auto got = served_in(20s);
  CAF_CHECK(got >= 1'000'000 && got <= 2'000'000);
}

CAF_TEST(own use that wants the whole line gets most of it) {
  start();
  hungry_peer y{*this, 100'000};
  pass(4s);
  own_demand = capacity;
  pass(2s);
  CAF_CHECK(own_in(20s) >= 0.85 * capacity);
  CAF_CHECK(served_in(10s) >= 0.05 * capacity);
}

CAF_TEST(a range that waits goes on when own use has ended) {
  start();
  hungry_peer y{*this, 1'000'000};
  pass(4s);
  own_demand = capacity;
  pass(3s);
  CAF_CHECK(served_in(1s) <= 1'000'000);
  own_demand = 0;
  CAF_REQUIRE(pass_until([&] { return held_to() == 0; }, 2s));
  pass(105ms);
  for (auto* exchange : x->wan->exchanges)
    CAF_CHECK(exchange->wants());
  CAF_CHECK(served_in(4s) >= 3'000'000);
}

CAF_TEST(a range that begins during own use waits for its turn) {
  start();
  hungry_peer y{*this, 1'000'000};
  pass(4s);
  own_demand = capacity;
  // Small ranges fit into a connection's buffers: that they are read slowly
  // would hold nothing back.
  y.size = 10'000;
  pass(3s);
  auto opened = x->wan->opened;
  pass(1s);
  CAF_CHECK(x->wan->opened - opened <= 60);
}

CAF_TEST(a peer that leaves while its range waits to begin leaves nothing) {
  start();
  {
    hungry_peer y{*this, 20'000};
    pass(4s);
    own_demand = capacity;
    CAF_CHECK(pass_until([&] {
      for (auto& [key, fetch] : fetcher().fetches)
        if (!fetch.exchange)
          return true;
      return false;
    }));
    y.is_hungry = false;
    y.peer.stream->close();
    settle();
  }
  use_line();
  CAF_CHECK(fetcher().fetches.empty());
  pass(3s);
  CAF_CHECK(x->wan->exchanges.empty());
}

CAF_TEST(own use is watched only while peers are served or held back) {
  start();
  CAF_CHECK(!fetcher().watching);
  hungry_peer y{*this, 100'000};
  pass(3s);
  CAF_CHECK(fetcher().watching);
  own_demand = 2'000'000;
  pass(2s);
  y.is_hungry = false;
  pass(2s);
  CAF_CHECK(fetcher().fetches.empty());
  CAF_CHECK(fetcher().watching);
  own_demand = 0;
  pass(2s);
  CAF_CHECK(!fetcher().watching);
  CAF_CHECK_EQUAL(held_to(), 0u);
}

CAF_TEST(a configured rate is kept to beside own use) {
  pod_config config;
  config.share_rate = 200'000;
  start(config);
  hungry_peer y{*this, 20'000};
  pass(4s);
  CAF_CHECK(served_in(4s) <= 240'000);
  own_demand = 1'000'000;
  pass(4s);
  CAF_CHECK(served_in(4s) <= 240'000);
}

CAF_TEST(without the rule own use holds nobody back) {
  pod_config config;
  config.own_first = false;
  start(config);
  hungry_peer y{*this, 100'000};
  own_demand = capacity;
  pass(3s);
  CAF_CHECK(!fetcher().watching);
  CAF_CHECK(own_in(4s) <= 0.3 * capacity);
  CAF_CHECK_EQUAL(held_to(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
