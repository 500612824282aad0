#define CAF_SUITE roster_secure

#include "tests/core/roster_fixture.hpp"

#include <optional>
#include <vector>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::roster_test;
using namespace std::literals;

namespace {

public_key static_key_of(uint8_t x) {
  public_key out;
  out.bytes[0] = x;
  return out;
}

/// A roster of device 5 that takes the protocols of `config`.
struct dialling_roster {
  explicit dialling_roster(roster_config config = {})
    : machine((config.self = id_of(5), config), [](std::span<uint8_t> out) {
        for (auto& x : out)
          x = 0xff;
      }) {}

  void hear(uint8_t id, uint8_t protocol) {
    roster::sighting x;
    x.id = id_of(id);
    x.key = static_key_of(id);
    x.address = "10.0.0.1";
    x.port = 1;
    x.protocol = protocol;
    machine.beacon_heard(x, now);
  }

  void meet(uint8_t id, uint64_t connection, bool secure, bool ours = false,
            bool waits = false) {
    roster::link x;
    x.id = id_of(id);
    x.key = static_key_of(id);
    x.connection = connection;
    x.initiated_by_us = ours;
    x.address = "10.0.0.1";
    x.port = 1;
    x.secure = secure;
    x.waits = waits;
    machine.session_established(x, now);
  }

  /// The actions of one kind since the last call.
  template <class T>
  std::vector<T> all() {
    std::vector<T> out;
    while (auto action = machine.poll())
      if (auto x = std::get_if<T>(&*action))
        out.push_back(*x);
    return out;
  }

  bool admits(uint8_t id, bool secure) const {
    return machine.admit(id_of(id), "10.0.0.1", now, secure).has_value();
  }

  peer_state state(uint8_t id) const {
    for (auto& x : machine.list(now))
      if (x.id == id_of(id))
        return x.state;
    return peer_state::known;
  }

  instant now{1h};
  roster machine;
};

roster_config without_legacy() {
  roster_config out;
  out.legacy = false;
  return out;
}

} // namespace

CAF_TEST(a device is dialled by the newest protocol that it announces) {
  dialling_roster x;
  x.hear(7, 2);
  auto dials = x.all<roster::dial>();
  CAF_REQUIRE_EQUAL(dials.size(), 1u);
  CAF_CHECK(dials[0].secure);
  CAF_CHECK(dials[0].key == static_key_of(7));
  x.hear(8, 1);
  dials = x.all<roster::dial>();
  CAF_REQUIRE_EQUAL(dials.size(), 1u);
  CAF_CHECK(!dials[0].secure);
  CAF_CHECK(!dials[0].key);
}

CAF_TEST(protocol 1 alone is not heard unless it is allowed) {
  dialling_roster x{without_legacy()};
  x.hear(7, 1);
  CAF_CHECK(x.all<roster::dial>().empty());
  CAF_CHECK(x.machine.list(x.now).empty());
  CAF_CHECK(!x.admits(7, false));
  CAF_CHECK(x.admits(7, true));
  x.meet(7, 1, false);
  CAF_CHECK_EQUAL(x.all<roster::drop>().size(), 1u);
}

CAF_TEST(protocol 1 may be allowed to some) {
  roster_config config;
  config.legacy_devices.emplace();
  config.legacy_devices->insert(id_of(7));
  dialling_roster x{config};
  CAF_CHECK(x.admits(7, false));
  CAF_CHECK(!x.admits(8, false));
  x.hear(7, 1);
  x.hear(8, 1);
  CAF_CHECK_EQUAL(x.all<roster::dial>().size(), 1u);
}

CAF_TEST(who has spoken protocol 2 is not taken with less) {
  dialling_roster x;
  x.meet(7, 1, true);
  x.machine.session_lost(id_of(7), 1, make_error(errc::connection_closed),
                         x.now);
  x.all<roster::dial>();
  CAF_CHECK(!x.admits(7, false));
  // A forged beacon does not change how it is dialled.
  x.hear(7, 1);
  x.now += 10s;
  x.machine.expire(x.now);
  auto dials = x.all<roster::dial>();
  CAF_REQUIRE_EQUAL(dials.size(), 1u);
  CAF_CHECK(dials[0].secure);
  x.meet(7, 2, false);
  CAF_CHECK_EQUAL(x.all<roster::drop>().size(), 1u);
}

CAF_TEST(a static peer is tried by both protocols in turn if both are allowed) {
  for (auto legacy : {true, false}) {
    roster_config config;
    config.legacy = legacy;
    dialling_roster x{config};
    x.machine.add_static("10.0.0.9", 1, x.now);
    auto first = x.all<roster::dial>();
    CAF_REQUIRE_EQUAL(first.size(), 1u);
    CAF_CHECK(first[0].secure);
    x.machine.dial_failed(first[0], make_error(errc::timed_out), x.now);
    x.now += 30s;
    x.machine.expire(x.now);
    auto second = x.all<roster::dial>();
    CAF_REQUIRE_EQUAL(second.size(), 1u);
    CAF_CHECK_EQUAL(second[0].secure, !legacy);
  }
}

CAF_TEST(a session waits until both sides want it) {
  dialling_roster x;
  x.meet(7, 1, true, false, true);
  CAF_CHECK(x.state(7) == peer_state::waiting);
  x.machine.session_ready(id_of(7), 2); // of another connection
  CAF_CHECK(x.state(7) == peer_state::waiting);
  x.machine.session_ready(id_of(7), 1);
  CAF_CHECK(x.state(7) == peer_state::connected);
}
