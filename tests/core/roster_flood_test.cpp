#define CAF_SUITE roster_flood

#include "tests/core/roster_fixture.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::roster_test;
using namespace std::chrono_literals;

/// A roster and who invents devices.
namespace {

device_id self() {
  device_id out;
  out.bytes[0] = 128;
  return out;
}

/// Devices of the real ones begin with 1, invented ones with 255 or 0.
device_id number(uint8_t first, size_t x) {
  device_id out;
  out.bytes[0] = first;
  out.bytes[1] = static_cast<uint8_t>(x >> 16);
  out.bytes[2] = static_cast<uint8_t>(x >> 8);
  out.bytes[3] = static_cast<uint8_t>(x);
  return out;
}

std::string address(size_t x) {
  return "10." + std::to_string(x >> 16 & 255) + '.'
         + std::to_string(x >> 8 & 255) + '.' + std::to_string(x & 255);
}

struct flooded {
  flooded()
    : machine(config(),
              [](std::span<uint8_t> out) { std::ranges::fill(out, 128); }) {}

  static roster_config config() {
    roster_config out;
    out.self = self();
    return out;
  }

  bool hear(device_id id, const std::string& from, duration now,
            bool wanted = false) {
    roster::sighting x;
    x.id = id;
    x.address = from;
    x.port = 45679;
    x.protocol = 2;
    x.wanted = wanted;
    return machine.beacon_heard(x, at(now));
  }

  void meet(device_id id, const std::string& from, uint64_t connection,
            duration now, bool ready = false) {
    roster::link x;
    x.id = id;
    x.connection = connection;
    x.address = from;
    x.secure = true;
    x.waits = true;
    machine.session_established(x, at(now));
    if (ready)
      machine.session_ready(id, connection);
  }

  /// The devices that were dialled since the last call.
  std::set<device_id> dialled() {
    std::set<device_id> out;
    while (auto x = machine.poll())
      if (auto* dial = std::get_if<roster::dial>(&*x))
        out.insert(*dial->id);
    return out;
  }

  bool knows(device_id id) const {
    for (auto& x : machine.list(at(0s)))
      if (x.id == id)
        return true;
    return false;
  }

  size_t known() const {
    return machine.list(at(0s)).size();
  }

  roster machine;
};

} // namespace

CAF_TEST(one address has a share of the table and of the attempts) {
  flooded x;
  for (size_t i = 0; i < 10'000; ++i)
    x.hear(number(255, i), "10.0.0.1", 0s);
  CAF_CHECK_EQUAL(x.dialled().size(), 4u);
  CAF_CHECK_EQUAL(x.known(), 8u);
  CAF_CHECK(*x.machine.deadline() > at(0s));
  // Whoever else is there is dialled at once.
  x.hear(number(255, 70'000), "10.0.0.2", 1s);
  CAF_CHECK_EQUAL(x.dialled().size(), 1u);
}

CAF_TEST(strangers of all addresses leave attempts for those who are wanted) {
  flooded x;
  for (size_t i = 0; i < 1000; ++i)
    x.hear(number(255, i), address(i), 0s);
  CAF_CHECK_EQUAL(x.dialled().size(), 12u);
  CAF_CHECK_EQUAL(x.known(), 256u);
  CAF_CHECK(x.hear(number(255, 70'000), address(70'000), 1s, true));
  CAF_CHECK_EQUAL(x.dialled().size(), 1u);
}

CAF_TEST(nobody who counts is displaced by who was heard for the first time) {
  flooded x;
  x.hear(number(1, 1), "10.9.0.1", 0s, true);
  x.meet(number(1, 2), "10.9.0.2", 2, 0s);
  x.meet(number(1, 3), "10.9.0.3", 3, 0s, true);
  x.machine.session_lost(number(1, 3), 3, make_error(errc::timed_out), at(0s));
  x.meet(number(1, 4), "10.9.0.4", 4, 0s);
  x.machine.session_lost(number(1, 4), 4, make_error(errc::timed_out), at(0s));
  // Heard for a while, though by no session.
  x.hear(number(1, 5), "10.9.0.5", 0s);
  x.hear(number(1, 5), "10.9.0.5", 4s);
  for (size_t i = 0; i < 1000; ++i)
    x.hear(number(255, i), address(i), 5s);
  for (size_t i = 1000; i < 2000; ++i)
    x.hear(number(255, i), "10.9.0.5", 5s);
  for (size_t i = 1; i <= 5; ++i)
    CAF_CHECK(x.knows(number(1, i)));
  CAF_CHECK_EQUAL(x.known(), 256u);
  CAF_CHECK(x.machine.admit(number(1, 6), "10.9.0.6", at(5s), true));
}

CAF_TEST(who proves its key finds room among the invented) {
  flooded x;
  for (size_t i = 0; i < 1000; ++i)
    for (auto now : {0s, 4s})
      x.hear(number(255, i), address(i), now);
  CAF_REQUIRE_EQUAL(x.known(), 256u);
  x.meet(number(1, 1), "10.9.0.1", 1, 5s);
  CAF_CHECK(x.knows(number(1, 1)));
  CAF_CHECK_EQUAL(x.known(), 256u);
}

CAF_TEST(proven strangers at one address do not fill the table either) {
  flooded x;
  size_t refused = 0;
  for (size_t i = 0; i < 100; ++i)
    x.meet(number(255, i), "10.0.0.1", i + 1, 0s);
  while (auto action = x.machine.poll())
    refused += std::holds_alternative<roster::drop>(*action) ? 1 : 0;
  CAF_CHECK_EQUAL(refused, 92u);
  CAF_CHECK_EQUAL(x.known(), 8u);
  CAF_CHECK(!x.machine.admit(number(255, 200), "10.0.0.1", at(0s), true));
  CAF_CHECK(x.machine.admit(number(255, 200), "10.0.0.2", at(0s), true));
}

CAF_TEST(a newcomer costs a bounded time) {
  flooded x;
  auto begin = std::chrono::steady_clock::now();
  for (size_t i = 0; i < 5000; ++i)
    x.hear(number(255, i), address(i), i * 100us);
  auto took = std::chrono::steady_clock::now() - begin;
  // As many as a gate lets in within minutes. Linear in devices times attempts
  // it would take ten times as long.
  CAF_CHECK(took < 10s);
  CAF_CHECK_EQUAL(x.known(), 256u);
}

// -- other places -------------------------------------------------------------

CAF_TEST(after a change everybody without a session is dialled at once) {
  flooded x;
  x.machine.add_static("10.9.0.9", 1, at(0s));
  x.hear(number(200, 1), "10.9.0.1", 0s);
  x.meet(number(200, 2), "10.9.0.2", 2, 0s);
  while (auto action = x.machine.poll())
    if (auto* dial = std::get_if<roster::dial>(&*action))
      x.machine.dial_failed(*dial, make_error(errc::unreachable), at(0s));
  for (auto now = 1s; now < 14s; now += 1s) {
    x.machine.expire(at(now));
    while (auto action = x.machine.poll())
      if (auto* dial = std::get_if<roster::dial>(&*action))
        x.machine.dial_failed(*dial, make_error(errc::unreachable), at(now));
  }
  CAF_CHECK(*x.machine.deadline() > at(14s));
  x.machine.reconnect(at(14s));
  size_t dials = 0;
  while (auto action = x.machine.poll())
    if (auto* dial = std::get_if<roster::dial>(&*action)) {
      ++dials;
      CAF_CHECK(dial->address != "10.9.0.2");
      x.machine.dial_failed(*dial, make_error(errc::unreachable), at(14s));
    }
  CAF_CHECK_EQUAL(dials, 2u);
  // In a hurry it is tried again within a second.
  CAF_CHECK(*x.machine.deadline() <= at(15s));
}

CAF_TEST(what is lost in a hurry is dialled at once) {
  flooded x;
  x.hear(number(1, 1), "10.9.0.1", 0s);
  x.meet(number(1, 1), "10.9.0.1", 1, 1s);
  x.dialled();
  x.machine.reconnect(at(60s));
  CAF_CHECK(x.dialled().empty());
  x.machine.session_lost(number(1, 1), 1, make_error(errc::cancelled), at(60s));
  x.machine.expire(at(60s + 100ms));
  CAF_CHECK_EQUAL(x.dialled().size(), 1u);
}

CAF_TEST(a session that stood for long gives way to a new connection) {
  flooded x;
  auto higher = number(200, 1);
  x.hear(higher, "10.9.0.1", 0s);
  roster::link ours;
  ours.id = higher;
  ours.connection = 1;
  ours.initiated_by_us = ours.secure = true;
  ours.address = "10.9.0.1";
  ours.port = 45679;
  x.machine.session_established(ours, at(0s));
  CAF_CHECK(!x.machine.admit(higher, "10.9.0.77", at(2s), true));
  CAF_CHECK(x.machine.admit(higher, "10.9.0.77", at(3s), true));
  x.dialled();
  x.meet(higher, "10.9.0.77", 2, 3s);
  auto dropped = x.machine.poll();
  CAF_REQUIRE(dropped.has_value());
  CAF_CHECK_EQUAL(std::get<roster::drop>(*dropped).connection, 1u);
  auto up = x.machine.poll();
  CAF_REQUIRE(up.has_value());
  CAF_CHECK_EQUAL(std::get<roster::peer_up>(*up).connection, 2u);
}

// -- static peers -------------------------------------------------------------

CAF_TEST(a static peer with an id takes nobody else) {
  flooded x;
  auto right = number(200, 1);
  x.machine.add_static("10.9.0.9", 1, at(0s), right);
  auto dial = x.machine.poll();
  CAF_REQUIRE(dial.has_value());
  CAF_CHECK(std::get<roster::dial>(*dial).expected == right);
  roster::link link;
  link.id = number(200, 2);
  link.connection = 1;
  link.initiated_by_us = link.secure = true;
  link.address = "10.9.0.9";
  link.port = 1;
  x.machine.session_established(link, at(1s));
  auto refused = x.machine.poll();
  CAF_REQUIRE(refused.has_value());
  CAF_CHECK_EQUAL(std::get<roster::drop>(*refused).connection, 1u);
  CAF_CHECK(!x.knows(link.id));
  // It is tried again.
  x.machine.expire(at(3s));
  CAF_CHECK(x.machine.poll().has_value());
  link.id = right;
  link.connection = 2;
  x.machine.session_established(link, at(4s));
  auto up = x.machine.poll();
  CAF_REQUIRE(up.has_value());
  CAF_CHECK(std::get<roster::peer_up>(*up).id == right);
}

CAF_TEST(who has connected from a static address is not dialled there) {
  flooded x;
  x.machine.add_static("10.9.0.9", 1, at(0s));
  auto dial = x.machine.poll();
  CAF_REQUIRE(dial.has_value());
  x.machine.dial_failed(std::get<roster::dial>(*dial),
                        make_error(errc::connection_refused), at(0s));
  x.meet(number(1, 1), "10.9.0.9", 1, 1s);
  x.dialled();
  x.machine.expire(at(2s));
  CAF_CHECK(!x.machine.poll());
}
