#define CAF_SUITE roster_pair

#include "tests/core/roster_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::roster_test;
using namespace std::chrono_literals;

namespace {

/// Two devices and a wire between them under a virtual clock: beacons every
/// 4 s, and 10 ms from a dial to a session.
struct pair_of_devices {
  struct node {
    node(uint8_t id, roster_config config, bool foreign)
      : number(id), foreign(foreign), machine(with(config, id), half_draw()) {}

    static roster_config with(roster_config x, uint8_t id) {
      x.self = id_of(id);
      return x;
    }

    uint8_t number;
    bool foreign;
    roster machine;
    uint16_t port = 1;
    bool running = true;
    bool reachable = true; ///< for connections made by the other one
    size_t dials = 0;
    std::optional<uint64_t> session;
  };

  /// A connection being made.
  struct attempt {
    size_t from;
    roster::dial what;
    instant due;
  };

  pair_of_devices(uint8_t first, uint8_t second)
    : nodes{node{first, {}, false}, node{second, {}, false}} {}

  void beacon(size_t from) {
    auto& x = nodes[from];
    auto& other = nodes[1 - from];
    if (!x.running || !other.running || !x.machine.should_announce(now))
      return;
    other.machine.beacon_heard(
        {id_of(x.number), {}, "10.0.0.1", x.port, "", x.foreign}, now);
  }

  void lose(uint64_t connection) {
    auto why = make_error(errc::connection_closed);
    for (size_t i : {0, 1}) {
      if (nodes[i].session == connection)
        nodes[i].session.reset();
      nodes[i].machine.session_lost(id_of(nodes[1 - i].number), connection, why,
                                    now);
    }
  }

  void connect(const attempt& x) {
    auto& from = nodes[x.from];
    auto& to = nodes[1 - x.from];
    auto answers = to.running && to.reachable && x.what.port == to.port
                   && to.machine.admit(id_of(from.number), "10.0.0.1", now);
    if (!answers)
      return from.machine.dial_failed(
          x.what, make_error(errc::connection_refused), now);
    ++connections;
    from.machine.session_established({id_of(to.number),
                                      {},
                                      connections,
                                      true,
                                      x.what.address,
                                      x.what.port,
                                      "",
                                      to.foreign},
                                     now);
    to.machine.session_established({id_of(from.number),
                                    {},
                                    connections,
                                    false,
                                    "10.0.0.1",
                                    9,
                                    "",
                                    from.foreign},
                                   now);
  }

  void act(size_t i) {
    while (auto x = nodes[i].machine.poll()) {
      if (auto y = std::get_if<roster::dial>(&*x)) {
        ++nodes[i].dials;
        wire.push_back({i, *y, now + 10ms});
      } else if (auto y = std::get_if<roster::drop>(&*x)) {
        lose(y->connection);
      } else if (auto y = std::get_if<roster::peer_up>(&*x)) {
        nodes[i].session = y->connection;
      } else if (std::get_if<roster::peer_down>(&*x)) {
        nodes[i].session.reset();
      }
    }
  }

  /// Lets time pass in steps of 5 ms.
  void run(duration time) {
    for (auto end = now + time; now < end; now += 5ms) {
      for (size_t i : {0, 1})
        if (now.time_since_epoch() % 4s == 0s)
          beacon(i);
      auto due = std::exchange(wire, {});
      for (auto& x : due)
        if (x.due <= now)
          connect(x);
        else
          wire.push_back(x);
      for (size_t i : {0, 1}) {
        if (!nodes[i].running)
          continue;
        auto deadline = nodes[i].machine.deadline();
        if (deadline && *deadline <= now)
          nodes[i].machine.expire(now);
        act(i);
      }
    }
  }

  bool connected() const {
    return nodes[0].session && nodes[0].session == nodes[1].session;
  }

  std::array<node, 2> nodes;
  std::vector<attempt> wire;
  uint64_t connections = 0;
  instant now{};
};

} // namespace

CAF_TEST(two devices that hear each other keep the connection of the lower) {
  pair_of_devices x{1, 2};
  x.run(100ms);
  CAF_CHECK(x.connected());
  x.run(30s);
  CAF_CHECK(x.connected());
  CAF_CHECK_EQUAL(x.connections, 1u);
  CAF_CHECK_EQUAL(x.nodes[0].dials, 1u);
  CAF_CHECK_EQUAL(x.nodes[1].dials, 0u);
}

CAF_TEST(a firewall before the higher device does not keep them apart) {
  pair_of_devices x{1, 2};
  x.nodes[1].reachable = false;
  x.run(1100ms);
  CAF_CHECK(x.connected());
  CAF_CHECK_EQUAL(x.nodes[1].dials, 1u);
}

CAF_TEST(two devices that dial each other at one moment end with one session) {
  pair_of_devices x{1, 2};
  x.nodes[0].machine.add_static("10.0.0.1", 1, x.now);
  x.nodes[1].machine.add_static("10.0.0.1", 1, x.now);
  x.run(10s);
  CAF_CHECK(x.connected());
  auto settled = x.connections;
  x.run(60s);
  CAF_CHECK(x.connected());
  CAF_CHECK_EQUAL(x.connections, settled);
}

CAF_TEST(crossing connections end with that of the lower device) {
  pair_of_devices x{1, 2};
  x.nodes[0].machine.beacon_heard({id_of(2), {}, "10.0.0.1", 1, "", false},
                                  x.now);
  x.nodes[1].machine.beacon_heard({id_of(1), {}, "10.0.0.1", 1, "", false},
                                  x.now - 1s);
  x.run(20ms);
  x.run(20s);
  CAF_CHECK(x.connected());
  auto devices = x.nodes[0].machine.list(x.now);
  CAF_REQUIRE_EQUAL(devices.size(), 1u);
  CAF_CHECK(devices[0].connection == x.nodes[1].session);
}

CAF_TEST(a lost connection comes back within a second) {
  pair_of_devices x{1, 2};
  x.run(61s);
  CAF_REQUIRE(x.connected());
  x.lose(*x.nodes[0].session);
  CAF_CHECK(!x.connected());
  x.run(1s);
  CAF_CHECK(x.connected());
  CAF_CHECK_EQUAL(x.connections, 2u);
}

CAF_TEST(a device that comes back on another port is found again) {
  pair_of_devices x{1, 2};
  x.run(61s);
  CAF_REQUIRE(x.connected());
  x.nodes[1].running = false;
  x.lose(*x.nodes[0].session);
  x.run(10s);
  CAF_CHECK(!x.connected());
  x.nodes[1] = {2, {}, false};
  x.nodes[1].port = 2;
  x.run(8s);
  CAF_CHECK(x.connected());
}

CAF_TEST(a foreign device that forgets slowly is taken back) {
  pair_of_devices x{1, 2};
  x.nodes[1].foreign = true;
  x.run(61s);
  CAF_REQUIRE(x.connected());
  x.nodes[1].reachable = false;
  x.lose(*x.nodes[0].session);
  x.run(16s);
  CAF_CHECK_EQUAL(x.nodes[0].dials, 1u);
  x.nodes[1].reachable = true;
  x.run(4s);
  CAF_CHECK(x.connected());
}
