#define CAF_SUITE roster

#include "tests/core/roster_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::roster_test;
using namespace std::chrono_literals;

namespace {

/// A roster of device 5 that writes down in words what it wants.
struct observed {
  observed(roster_config config = {}) : machine(with_id(config), half_draw()) {}

  static roster_config with_id(roster_config x) {
    x.self = id_of(5);
    return x;
  }

  /// Everything that the roster wants since the last call.
  std::string wants() {
    std::string out;
    while (auto x = machine.poll())
      out += (out.empty() ? "" : "; ") + words(*x);
    return out;
  }

  static std::string words(const roster::action& x) {
    if (auto y = std::get_if<roster::dial>(&x))
      return "dial " + (y->id ? name(*y->id) : "anybody") + " at " + y->address
             + ':' + std::to_string(y->port);
    if (auto y = std::get_if<roster::drop>(&x))
      return "drop " + std::to_string(y->connection);
    if (auto y = std::get_if<roster::peer_up>(&x))
      return "up " + name(y->id) + " on " + std::to_string(y->connection);
    if (auto y = std::get_if<roster::peer_down>(&x))
      return "down " + name(y->id);
    return "forget " + name(std::get<roster::forgotten>(x).id);
  }

  static std::string name(device_id x) {
    return std::to_string(x.bytes[0]);
  }

  void hear(uint8_t id, duration now, bool foreign = false, uint16_t port = 1,
            std::string address = "10.0.0.1") {
    machine.beacon_heard({id_of(id), {}, address, port, "", foreign}, at(now));
  }

  void meet(uint8_t id, uint64_t connection, bool ours, duration now,
            bool foreign = false) {
    machine.session_established(
        {id_of(id), {}, connection, ours, "10.0.0.1", 1, "", foreign}, at(now));
  }

  void lose(uint8_t id, uint64_t connection, duration now,
            errc why = errc::connection_closed) {
    machine.session_lost(id_of(id), connection, make_error(why), at(now));
  }

  void fail(uint8_t id, duration now) {
    machine.dial_failed({id_of(id), "10.0.0.1", 1},
                        make_error(errc::connection_refused), at(now));
  }

  bool admits(uint8_t id, duration now = 0s,
              std::string_view address = "10.0.0.1") {
    return machine.admit(id_of(id), address, at(now)).has_value();
  }

  std::string state(uint8_t id, duration now) {
    for (auto& x : machine.list(at(now)))
      if (x.id == id_of(id))
        return std::string{to_string(x.state)};
    return "unknown";
  }

  roster machine;
};

} // namespace

// -- first sight --------------------------------------------------------------

CAF_TEST(the lower device dials at once) {
  observed x;
  x.hear(7, 0s);
  CAF_CHECK_EQUAL(x.wants(), "dial 7 at 10.0.0.1:1");
  CAF_CHECK_EQUAL(x.state(7, 0s), "dialling");
  x.hear(7, 4s);
  CAF_CHECK_EQUAL(x.wants(), "");
}

CAF_TEST(the higher device waits a second and then dials too) {
  observed x;
  x.hear(3, 0s);
  CAF_CHECK_EQUAL(x.wants(), "");
  CAF_CHECK_EQUAL(x.state(3, 0s), "known");
  CAF_CHECK(x.machine.deadline() == at(1s));
  x.machine.expire(at(999ms));
  CAF_CHECK_EQUAL(x.wants(), "");
  x.machine.expire(at(1s));
  CAF_CHECK_EQUAL(x.wants(), "dial 3 at 10.0.0.1:1");
}

CAF_TEST(a foreign device is dialled at once by the higher one too) {
  observed x;
  x.hear(3, 0s, true);
  CAF_CHECK_EQUAL(x.wants(), "dial 3 at 10.0.0.1:1");
}

CAF_TEST(without the legacy protocol foreign devices do not exist) {
  roster_config config;
  config.legacy = false;
  observed x{config};
  x.hear(3, 0s, true);
  CAF_CHECK_EQUAL(x.wants(), "");
  CAF_CHECK_EQUAL(x.state(3, 0s), "unknown");
  x.meet(3, 1, false, 1s, true);
  CAF_CHECK_EQUAL(x.wants(), "drop 1");
  x.meet(3, 2, false, 2s, false);
  CAF_CHECK_EQUAL(x.wants(), "drop 2");
}

CAF_TEST(a device does not meet itself) {
  observed x;
  x.hear(5, 0s);
  CAF_CHECK_EQUAL(x.wants(), "");
  CAF_CHECK(!x.admits(5));
  x.meet(5, 1, true, 0s);
  CAF_CHECK_EQUAL(x.wants(), "drop 1");
}

// -- which connection stays ---------------------------------------------------

CAF_TEST(the connection of the lower device takes the place of ours) {
  observed x;
  x.hear(3, 0s);
  x.meet(3, 1, true, 1s);
  CAF_CHECK_EQUAL(x.wants(), "up 3 on 1");
  CAF_CHECK(x.admits(3));
  x.meet(3, 2, false, 2s);
  CAF_CHECK_EQUAL(x.wants(), "drop 1; up 3 on 2");
  x.lose(3, 1, 3s);
  CAF_CHECK_EQUAL(x.wants(), "");
  CAF_CHECK_EQUAL(x.state(3, 3s), "connected");
}

CAF_TEST(the connection of the higher device gives way to ours) {
  observed x;
  x.hear(7, 0s);
  CAF_CHECK(x.admits(7));
  x.meet(7, 1, false, 1s);
  x.meet(7, 2, true, 2s);
  CAF_CHECK_EQUAL(x.wants(),
                  "dial 7 at 10.0.0.1:1; up 7 on 1; drop 1; up 7 on 2");
  CAF_CHECK(!x.admits(7));
  x.meet(7, 3, false, 3s);
  CAF_CHECK_EQUAL(x.wants(), "drop 3");
}

CAF_TEST(a device that connects again has lost the first connection) {
  observed x;
  x.meet(7, 1, false, 0s);
  CAF_CHECK(x.admits(7));
  x.meet(7, 2, false, 1s);
  CAF_CHECK_EQUAL(x.wants(), "up 7 on 1; drop 1; up 7 on 2");
}

CAF_TEST(a foreign device is not answered while we dial or have a session) {
  observed x;
  x.hear(7, 0s, true);
  CAF_CHECK(!x.admits(7));
  x.fail(7, 1s);
  CAF_CHECK(x.admits(7));
  x.meet(7, 1, false, 2s, true);
  CAF_CHECK(!x.admits(7));
}

CAF_TEST(a device at an address that we are dialling has to wait a moment) {
  observed x;
  x.machine.add_static("10.0.0.9", 1, at(0s));
  CAF_CHECK(!x.admits(7, 1s, "10.0.0.9"));
  CAF_CHECK(x.admits(7, 1s, "10.0.0.8"));
  CAF_CHECK(x.admits(7, 2s, "10.0.0.9"));
}

// -- trying again -------------------------------------------------------------

CAF_TEST(only who dialled redials within a second) {
  observed x;
  x.hear(7, 0s);
  x.meet(7, 1, true, 0s);
  x.lose(7, 1, 60s);
  CAF_CHECK_EQUAL(x.wants(), "dial 7 at 10.0.0.1:1; up 7 on 1; down 7");
  CAF_CHECK(*x.machine.deadline() < at(61s));
  x.machine.expire(at(61s));
  CAF_CHECK_EQUAL(x.wants(), "dial 7 at 10.0.0.1:1");

  observed y;
  y.hear(3, 0s);
  y.meet(3, 1, false, 0s);
  y.lose(3, 1, 60s);
  CAF_CHECK_EQUAL(y.wants(), "up 3 on 1; down 3");
  CAF_CHECK(*y.machine.deadline() > at(64s));
  y.machine.expire(at(65s));
  CAF_CHECK_EQUAL(y.wants(), "dial 3 at 10.0.0.1:1");
}

CAF_TEST(attempts that fail are made ever more seldom) {
  observed x;
  x.machine.add_static("10.0.0.9", 1, at(0s));
  CAF_CHECK_EQUAL(x.wants(), "dial anybody at 10.0.0.9:1");
  std::vector<duration> gaps;
  auto now = at(0s);
  for (int i = 0; i < 8; ++i) {
    x.machine.dial_failed({std::nullopt, "10.0.0.9", 1},
                          make_error(errc::connection_refused), now);
    CAF_REQUIRE(x.machine.deadline().has_value());
    gaps.push_back(*x.machine.deadline() - now);
    now = *x.machine.deadline();
    x.machine.expire(now);
    CAF_CHECK_EQUAL(x.wants(), "dial anybody at 10.0.0.9:1");
  }
  CAF_CHECK(gaps.front() >= 1s && gaps.front() < 2s);
  CAF_CHECK(std::ranges::is_sorted(gaps));
  CAF_CHECK(gaps.back() >= 15s && gaps.back() < 30s);
}

CAF_TEST(a session that ends at once counts as a failure) {
  observed x;
  x.hear(7, 0s);
  x.meet(7, 1, true, 0s);
  x.lose(7, 1, 1s);
  auto first = *x.machine.deadline() - at(1s);
  x.machine.expire(*x.machine.deadline());
  x.meet(7, 2, true, 3s);
  x.lose(7, 2, 4s);
  auto second = *x.machine.deadline() - at(4s);
  CAF_CHECK(first < 1s); // the first attempt is soon in any case
  CAF_CHECK(second > first);
}

CAF_TEST(a peer that breaks the protocol is not tried again soon) {
  observed x;
  x.hear(7, 0s);
  x.meet(7, 1, true, 0s);
  x.lose(7, 1, 60s, errc::integrity_failed);
  CAF_CHECK(*x.machine.deadline() >= at(68s));
}

CAF_TEST(an attempt that nobody reports on ends by itself) {
  observed x;
  x.machine.add_static("10.0.0.9", 1, at(0s));
  x.wants();
  CAF_CHECK(x.machine.deadline() == at(30s));
  x.machine.expire(at(30s));
  CAF_CHECK(*x.machine.deadline() < at(32s));
  x.machine.expire(at(32s));
  CAF_CHECK_EQUAL(x.wants(), "dial anybody at 10.0.0.9:1");
}

CAF_TEST(a device that restarted on another port is dialled there) {
  observed x;
  x.hear(7, 0s);
  x.meet(7, 1, true, 0s);
  x.lose(7, 1, 60s);
  x.machine.expire(at(61s));
  x.fail(7, 61s);
  x.wants();
  x.hear(7, 61500ms, false, 2);
  CAF_CHECK_EQUAL(x.wants(), "");
  x.machine.expire(at(65s));
  CAF_CHECK_EQUAL(x.wants(), "dial 7 at 10.0.0.1:2");
}

CAF_TEST(a device with two addresses is not dialled for each beacon) {
  observed x;
  x.hear(7, 0s);
  x.wants();
  size_t dials = 0;
  for (auto now = 1s; now < 120s; now += 1s) {
    x.hear(7, now, false, 1, now.count() % 2 ? "10.0.0.1" : "10.0.1.1");
    x.fail(7, now);
    x.machine.expire(at(now));
    dials += x.wants().empty() ? 0 : 1;
  }
  CAF_CHECK(dials > 2);
  CAF_CHECK(dials < 12);
}

// -- foreign peers that were lost ---------------------------------------------

CAF_TEST(a lost foreign peer does not hear us until it takes us back) {
  observed x;
  x.hear(7, 0s, true);
  x.meet(7, 1, true, 0s, true);
  CAF_CHECK(x.machine.should_announce(at(59s)));
  CAF_CHECK(x.machine.should_reply(id_of(7), at(59s)));
  x.wants();
  x.lose(7, 1, 60s);
  for (auto now = 60s; now < 77s; now += 1s) {
    x.hear(7, now, true);
    x.machine.expire(at(now));
    CAF_CHECK(!x.machine.should_announce(at(now)));
    CAF_CHECK(!x.machine.should_reply(id_of(7), at(now)));
    CAF_CHECK(x.machine.should_reply(id_of(8), at(now)));
  }
  CAF_CHECK_EQUAL(x.wants(), "down 7");
  CAF_CHECK_EQUAL(x.state(7, 76s), "backing off");
  x.machine.expire(at(77s));
  CAF_CHECK_EQUAL(x.wants(), "dial 7 at 10.0.0.1:1");
  CAF_CHECK(x.machine.should_announce(at(77s)));
}

CAF_TEST(beacons go on for the sake of other foreign peers) {
  observed x;
  x.meet(7, 1, true, 0s, true);
  x.meet(8, 2, true, 0s, true);
  x.lose(7, 1, 60s);
  CAF_CHECK(x.machine.should_announce(at(61s)));
  CAF_CHECK(!x.machine.should_reply(id_of(7), at(61s)));
  x.lose(8, 2, 62s);
  CAF_CHECK(!x.machine.should_announce(at(63s)));
  CAF_CHECK(x.machine.should_announce(at(79s)));
}

CAF_TEST(beacons pause for no more than half of the time) {
  observed x;
  size_t silent = 0;
  for (auto now = 0s; now < 600s; now += 1s) {
    auto connection = static_cast<uint64_t>(now.count()) + 1;
    x.meet(7, connection, false, now, true);
    x.lose(7, connection, now);
    x.machine.expire(at(now));
    silent += x.machine.should_announce(at(now)) ? 0 : 1;
  }
  CAF_CHECK(silent > 200);
  CAF_CHECK(silent <= 300);
}

CAF_TEST(a foreign peer that restarted on another port is dialled at once) {
  observed x;
  x.hear(7, 0s, true);
  x.meet(7, 1, true, 0s, true);
  x.lose(7, 1, 60s);
  x.wants();
  x.hear(7, 61s, true, 2);
  CAF_CHECK_EQUAL(x.wants(), "dial 7 at 10.0.0.1:2");
}

// -- leaving and forgetting ---------------------------------------------------

CAF_TEST(who answers at an address is the only one there) {
  observed x;
  x.hear(7, 0s);
  x.hear(8, 0s, false, 1, "10.0.0.2");
  x.wants();
  x.fail(7, 0s);
  // It has restarted under another id.
  x.hear(9, 0s);
  x.meet(9, 1, true, 500ms);
  x.wants();
  x.machine.expire(at(10s));
  CAF_CHECK_EQUAL(x.wants(), "");
  x.hear(7, 10s);
  CAF_CHECK_EQUAL(x.wants(), "dial 7 at 10.0.0.1:1");
}

CAF_TEST(a silent device is forgotten unless it has a session) {
  observed x;
  x.hear(3, 0s);
  x.hear(4, 0s);
  x.meet(3, 1, false, 0s);
  x.machine.expire(at(1s));
  CAF_CHECK_EQUAL(x.wants(), "up 3 on 1; dial 4 at 10.0.0.1:1");
  x.fail(4, 2s);
  x.machine.expire(at(15999ms));
  x.fail(4, 15999ms);
  x.wants();
  x.machine.expire(at(16s));
  CAF_CHECK_EQUAL(x.wants(), "forget 4");
  x.machine.expire(at(60s));
  CAF_CHECK_EQUAL(x.wants(), "");
  x.lose(3, 1, 60s);
  x.wants();
  x.machine.expire(at(65s));
  x.fail(3, 65s);
  x.machine.expire(at(76s));
  x.fail(3, 76s);
  CAF_CHECK(x.wants().ends_with("forget 3"));
  CAF_CHECK(!x.machine.deadline());
}

CAF_TEST(a device that leaves is not dialled until it is heard again) {
  observed x;
  x.hear(7, 0s);
  x.meet(7, 1, true, 0s);
  x.wants();
  x.machine.goodbye(id_of(7), 1, at(30s));
  CAF_CHECK_EQUAL(x.wants(), "drop 1; down 7; forget 7");
  x.lose(7, 1, 30s);
  x.machine.expire(at(40s));
  CAF_CHECK_EQUAL(x.wants(), "");
  x.hear(7, 41s);
  CAF_CHECK_EQUAL(x.wants(), "dial 7 at 10.0.0.1:1");
}

// -- static peers -------------------------------------------------------------

CAF_TEST(a static peer is dialled until it answers and when it is lost) {
  observed x;
  x.machine.add_static("10.0.0.1", 1, at(0s));
  CAF_CHECK_EQUAL(x.wants(), "dial anybody at 10.0.0.1:1");
  x.meet(7, 1, true, 1s);
  CAF_CHECK_EQUAL(x.wants(), "up 7 on 1");
  CAF_CHECK(x.machine.list(at(1s)).front().is_static);
  CAF_CHECK(!x.machine.deadline());
  x.lose(7, 1, 60s);
  x.machine.expire(at(61s));
  CAF_CHECK_EQUAL(x.wants(), "down 7; dial anybody at 10.0.0.1:1");
}

CAF_TEST(a static peer that is also heard is dialled once) {
  observed x;
  x.machine.add_static("10.0.0.1", 1, at(0s));
  x.meet(7, 1, true, 1s);
  x.hear(7, 59s);
  x.wants();
  x.lose(7, 1, 60s);
  x.machine.expire(at(61s));
  CAF_CHECK_EQUAL(x.wants(), "down 7; dial 7 at 10.0.0.1:1");
}

// -- bounds -------------------------------------------------------------------

CAF_TEST(a full table gives up who never had a session first) {
  roster_config config;
  config.max_devices = 3;
  observed x{config};
  x.meet(1, 1, false, 0s);
  x.meet(2, 2, false, 0s);
  x.lose(2, 2, 20s);
  x.hear(3, 25s);
  x.wants();
  x.hear(4, 25s);
  CAF_CHECK_EQUAL(x.wants(), "forget 3");
  x.meet(6, 6, false, 25s);
  CAF_CHECK_EQUAL(x.wants(), "forget 4; up 6 on 6");
  x.meet(7, 7, false, 25s);
  CAF_CHECK_EQUAL(x.wants(), "forget 2; up 7 on 7");
  CAF_CHECK(!x.admits(8));
  x.hear(8, 25s);
  CAF_CHECK_EQUAL(x.wants(), "");
  x.meet(8, 8, false, 25s);
  CAF_CHECK_EQUAL(x.wants(), "drop 8");
}

CAF_TEST(status tells who is set aside and for how long) {
  observed x;
  x.meet(7, 1, false, 0s);
  x.machine.set_aside(id_of(7), at(10s));
  CAF_CHECK_EQUAL(x.state(7, 9s), "set aside");
  CAF_CHECK_EQUAL(x.state(7, 10s), "connected");
  auto devices = x.machine.list(at(0s));
  CAF_REQUIRE_EQUAL(devices.size(), 1u);
}

CAF_TEST(status tells why there is no session) {
  observed x;
  auto why = [&] { return x.machine.list(at(0s)).at(0).why; };
  x.hear(7, 0s);
  CAF_CHECK_EQUAL(why(), "");
  x.fail(7, 0s);
  CAF_CHECK_EQUAL(why(), to_string(make_error(errc::connection_refused)));
  x.meet(7, 1, false, 1s);
  CAF_CHECK_EQUAL(why(), "");
  x.lose(7, 1, 2s, errc::policy_refused);
  CAF_CHECK_EQUAL(why(), to_string(make_error(errc::policy_refused)));
}

CAF_TEST(the loss of who only waited is told apart from that of a peer) {
  observed x;
  auto was_peer = [&] {
    std::optional<bool> out;
    while (auto y = x.machine.poll())
      if (auto down = std::get_if<roster::peer_down>(&*y))
        out = down->was_peer;
    return out;
  };
  for (bool ready : {false, true}) {
    roster::link link{id_of(7), {}, 1, false, "10.0.0.1", 1, "", false};
    link.waits = true;
    x.machine.session_established(link, at(0s));
    if (ready)
      x.machine.session_ready(id_of(7), 1);
    x.lose(7, 1, 1s);
    CAF_CHECK(was_peer() == ready);
  }
}
