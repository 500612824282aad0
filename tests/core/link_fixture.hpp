#pragma once

#include "core/legacy_link.hpp"
#include "core/secure_link.hpp"
#include "tests/core/noise_fixture.hpp"

#include <memory>
#include <string>
#include <vector>

#include <caf/test/unit_test.hpp>

/// Two links and the connection between them, for the tests of links.
namespace peapod {

/// One end: a link and what has happened on it.
struct link_end {
  link_end(
      uint8_t seed,
      std::function<std::unique_ptr<peer_link>(const identity&, random_source)>
          make)
    : self(identity::from_secret(byte_buffer(32, seed)).value()),
      link(make(self, seeded_random(seed))) {}

  /// The events of one kind.
  template <class T>
  std::vector<T> got() const {
    std::vector<T> out;
    for (auto& x : events)
      if (auto y = std::get_if<T>(&x))
        out.push_back(*y);
    return out;
  }

  bool has_opened() const {
    return got<link_opened>().size() == 1;
  }
  bool is_ready() const {
    return got<link_ready>().size() == 1;
  }

  /// Why it has ended; it must have.
  error reason() const {
    auto all = got<session_closed>();
    CAF_REQUIRE_EQUAL(all.size(), 1u);
    return all[0].reason;
  }

  /// The bytes that have arrived of one ask.
  std::string text_of(ask_id id) const {
    std::string out;
    for (auto& x : got<range_arrived>())
      if (x.id == id)
        out += x.bytes.text();
    return out;
  }

  identity self;
  std::unique_ptr<peer_link> link;
  std::vector<link_event> events;
  std::vector<slice> written;  ///< not delivered yet
  std::vector<slice> recorded; ///< all that it ever wrote
  bool admits = true;
};

/// Both ends. Time is handed in by `now`.
struct link_pair {
  link_end& a; ///< has connected
  link_end& b;
  instant now{std::chrono::hours(1)};
  bool cut = false; ///< bytes go nowhere

  void start() {
    a.link->start(now);
    b.link->start(now);
    settle();
  }

  /// Takes the events of one end.
  void drain(link_end& x) {
    while (auto event = x.link->poll()) {
      if (auto bytes = std::get_if<write_bytes>(&*event)) {
        for (auto& y : bytes->bytes) {
          x.written.push_back(y);
          x.recorded.push_back(y);
        }
        continue;
      }
      if (std::holds_alternative<peer_identified>(*event))
        x.link->admit(x.admits, now);
      x.events.push_back(std::move(*event));
    }
  }

  /// Carries bytes until both ends are silent.
  void settle() {
    for (;;) {
      drain(a);
      drain(b);
      if (cut)
        return;
      auto to_b = std::exchange(a.written, {});
      auto to_a = std::exchange(b.written, {});
      if (to_a.empty() && to_b.empty())
        return;
      for (auto& x : to_b)
        b.link->receive(x, now);
      for (auto& x : to_a)
        a.link->receive(x, now);
    }
  }

  /// Time passes, in steps as an actor looks at its clock.
  void pass(duration time) {
    constexpr duration step = std::chrono::milliseconds(500);
    for (; time > duration::zero(); time -= step) {
      now += std::min(step, time);
      a.link->expire(now);
      b.link->expire(now);
      settle();
    }
  }

  /// Both sides trust each other.
  void trust() {
    a.link->trust(true, now);
    b.link->trust(true, now);
    settle();
  }
};

} // namespace peapod
