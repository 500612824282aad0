#define CAF_SUITE handshake

#include "core/handshake.hpp"

#include "core/records.hpp"
#include "tests/core/noise_fixture.hpp"

#include <array>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::literals;
using noise::role;

namespace {

identity make_identity(uint8_t seed) {
  return identity::from_secret(byte_buffer(32, seed)).value();
}

introduction introduction_of(std::string name) {
  introduction out;
  out.agent = "peapod/test";
  out.name = std::move(name);
  out.capabilities = 5;
  out.offers.rate_limit = 1000;
  return out;
}

/// One end of a connection: a handshake and what it did.
struct end {
  end(uint8_t seed, handshake_config config)
    : self(make_identity(seed)),
      machine(self, std::move(config), seeded_random(seed)) {}

  /// Takes all actions; returns the bytes to write.
  byte_buffer drain() {
    byte_buffer out;
    while (auto action = machine.poll()) {
      CAF_REQUIRE(!failed);
      if (auto* x = std::get_if<handshake_bytes>(&*action))
        out.insert(out.end(), x->bytes.bytes().begin(), x->bytes.bytes().end());
      else if (auto* y = std::get_if<handshake_asked>(&*action))
        asked = y->peer;
      else if (auto* z = std::get_if<handshake_completed>(&*action))
        completed = std::move(*z);
      else if (auto* c = std::get_if<peer_confirmed>(&*action))
        confirmed = c->device;
      else
        failed = std::get<handshake_failed>(*action).reason;
    }
    return out;
  }

  errc reason() const {
    CAF_REQUIRE(failed.has_value());
    CAF_CHECK(!failed->detail.empty());
    return failed->code;
  }

  identity self;
  handshake machine;
  std::optional<peer_introduction> asked;
  std::optional<handshake_completed> completed;
  std::optional<device_id> confirmed;
  std::optional<error> failed;
};

handshake_config initiator(uint8_t psk = 0, uint8_t responder = 2) {
  handshake_config out;
  out.self = introduction_of("alice");
  out.responder_key = make_identity(responder).key();
  out.psk = secret_of(byte_buffer(32, psk));
  return out;
}

handshake_config responder(uint8_t psk = 0) {
  handshake_config out;
  out.role = role::responder;
  out.self = introduction_of("bob");
  out.psk = secret_of(byte_buffer(32, psk));
  return out;
}

/// Two ends and a connection of perfect patience.
struct handshake_fixture {
  handshake_fixture() : handshake_fixture(initiator(), responder()) {}
  handshake_fixture(handshake_config a, handshake_config b)
    : alice(1, std::move(a)), bob(2, std::move(b)) {
    alice.machine.start(now);
    bob.machine.start(now);
  }

  /// What `to` leaves of `bytes`.
  byte_buffer deliver(end& to, const byte_buffer& bytes) {
    byte_buffer left;
    std::span<const uint8_t> rest{bytes};
    while (!rest.empty()) {
      auto piece = rest.first(std::min(portion, rest.size()));
      rest = rest.subspan(piece.size());
      to.machine.receive(piece, now);
      left.insert(left.end(), piece.begin(), piece.end());
    }
    return left;
  }

  /// Up to the responder's answer, which is returned.
  byte_buffer ask() {
    deliver(bob, alice.drain());
    bob.drain();
    bob.machine.admit(true);
    return bob.drain();
  }

  void complete() {
    deliver(alice, ask());
    alice.drain();
  }

  instant now{1h};
  size_t portion = SIZE_MAX;
  end alice;
  end bob;
};

/// A responder that a stranger talks to with raw bytes.
struct stranger : handshake_fixture {
  errc feed(byte_buffer bytes) {
    deliver(bob, bytes);
    bob.drain();
    return bob.reason();
  }

  /// A first message like the machine's, except for what is given.
  byte_buffer first_message(std::string_view prologue, byte_buffer payload) {
    noise::handshake_keys keys;
    keys.prologue.assign(prologue.begin(), prologue.end());
    keys.s.emplace(secret_of(byte_buffer(32, 1)));
    keys.rs = bob.self.key();
    keys.psks.emplace_back();
    auto state = noise::handshake_state::initialize(
        noise::find_pattern("IKpsk2").value(), std::move(keys),
        seeded_random(1));
    return framed(state.value().write_message(payload).value());
  }

  static byte_buffer framed(const byte_buffer& message) {
    byte_buffer out;
    out.reserve(3 + message.size());
    out.push_back(2);
    out.push_back(static_cast<uint8_t>(message.size()));
    out.push_back(static_cast<uint8_t>(message.size() >> 8));
    out.insert(out.end(), message.begin(), message.end());
    return out;
  }
};

const byte_buffer hello{'h', 'i'};

} // namespace

CAF_TEST(two ends complete and know each other) {
  handshake_fixture f;
  auto first = f.alice.drain();
  CAF_CHECK_EQUAL(first.at(0), 2);
  CAF_CHECK_EQUAL(first.at(1) + 256u * first.at(2), first.size() - 3);
  CAF_CHECK(f.deliver(f.bob, first).empty());
  CAF_CHECK(f.bob.drain().empty());
  CAF_REQUIRE(f.bob.asked);
  CAF_CHECK(f.bob.asked->device == f.alice.self.device());
  CAF_CHECK(f.bob.asked->key == f.alice.self.key());
  CAF_CHECK(f.bob.asked->said == introduction_of("alice"));
  f.bob.machine.admit(true);
  f.deliver(f.alice, f.bob.drain());
  CAF_CHECK(f.alice.drain().empty());
  CAF_REQUIRE(f.alice.completed && f.bob.completed);
  CAF_CHECK(f.alice.completed->peer.device == f.bob.self.device());
  CAF_CHECK(f.alice.completed->peer.said == introduction_of("bob"));
  CAF_CHECK(f.alice.completed->hash == f.bob.completed->hash);
  CAF_CHECK(f.alice.confirmed == f.bob.self.device());
  CAF_CHECK(!f.alice.failed && !f.bob.failed);
}

CAF_TEST(the same randomness gives the same bytes) {
  CAF_CHECK(handshake_fixture{}.alice.drain()
            == handshake_fixture{}.alice.drain());
  CAF_CHECK(handshake_fixture{}.ask() == handshake_fixture{}.ask());
}

CAF_TEST(a responder has no proof before the first record opens) {
  handshake_fixture f{initiator(9), responder(9)};
  f.complete();
  CAF_REQUIRE(f.bob.completed);
  CAF_CHECK(!f.bob.confirmed);
  CAF_CHECK(f.bob.machine.deadline().has_value());
  record_sealer out{std::move(f.alice.completed->keys.send)};
  record_opener in{std::move(f.bob.completed->keys.receive)};
  auto record = out.seal({hello}).value();
  auto bytes = record.bytes();
  CAF_REQUIRE(*in.read(bytes));
  f.bob.machine.record_opened();
  f.bob.drain();
  CAF_CHECK(f.bob.confirmed == f.alice.self.device());
  CAF_CHECK(!f.bob.machine.deadline());
}

CAF_TEST(records open in both directions and not in the other one) {
  handshake_fixture f;
  f.complete();
  auto& a = f.alice.completed->keys;
  auto& b = f.bob.completed->keys;
  record_sealer from_alice{std::move(a.send)};
  record_sealer from_bob{std::move(b.send)};
  record_opener at_alice{std::move(a.receive)};
  record_opener at_bob{std::move(b.receive)};
  auto there = from_alice.seal({hello}).value();
  auto back = from_bob.seal({hello}).value();
  auto bytes = there.bytes();
  CAF_CHECK(*at_bob.read(bytes));
  bytes = back.bytes();
  CAF_CHECK(*at_alice.read(bytes));
  bytes = there.bytes();
  CAF_CHECK(!at_alice.read(bytes));
}

CAF_TEST(the handshake completes in whatever portions it comes) {
  for (size_t portion = 1; portion < 200; ++portion) {
    handshake_fixture f;
    f.portion = portion;
    f.complete();
    CAF_REQUIRE(f.alice.completed && f.bob.completed);
  }
}

CAF_TEST(bytes behind the answer are left for the records) {
  for (size_t portion : {size_t{1}, size_t{50}, SIZE_MAX}) {
    handshake_fixture f;
    f.portion = portion;
    auto answer = f.ask();
    answer.insert(answer.end(), hello.begin(), hello.end());
    CAF_CHECK(f.deliver(f.alice, answer) == hello);
    f.alice.drain();
    CAF_CHECK(f.alice.completed.has_value());
    CAF_CHECK(f.deliver(f.bob, hello) == hello);
  }
}

CAF_TEST(a responder says nothing before the peer is admitted) {
  handshake_fixture f;
  f.deliver(f.bob, f.alice.drain());
  CAF_CHECK(f.bob.drain().empty());
  f.bob.machine.admit(false);
  CAF_CHECK(f.bob.drain().empty());
  CAF_CHECK(f.bob.reason() == errc::policy_refused);
  f.bob.machine.admit(true);
  CAF_CHECK(f.bob.drain().empty());
}

CAF_TEST(more bytes than the first message end the handshake) {
  for (size_t portion : {size_t{1}, SIZE_MAX}) {
    handshake_fixture f;
    f.portion = portion;
    auto first = f.alice.drain();
    first.push_back(0);
    f.deliver(f.bob, first);
    f.bob.drain();
    CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
  }
}

CAF_TEST(another psk fails at the initiator and leaves the responder waiting) {
  for (auto [a, b] : {std::pair{9, 0}, {0, 9}, {8, 9}}) {
    handshake_fixture f{initiator(static_cast<uint8_t>(a)),
                        responder(static_cast<uint8_t>(b))};
    f.complete();
    CAF_CHECK(f.alice.reason() == errc::integrity_failed);
    CAF_CHECK(!f.alice.completed && !f.alice.confirmed);
    CAF_CHECK(!f.bob.confirmed);
    f.bob.machine.expire(f.now + 5s);
    f.bob.drain();
    CAF_CHECK(f.bob.reason() == errc::timed_out);
    CAF_CHECK(!f.bob.confirmed);
  }
}

CAF_TEST(another responder than the one that was called fails) {
  handshake_fixture f{initiator(0, 3), responder()};
  f.deliver(f.bob, f.alice.drain());
  f.bob.drain();
  CAF_CHECK(f.bob.reason() == errc::integrity_failed);
  CAF_CHECK(!f.bob.asked);
}

CAF_TEST(a replayed first message is never confirmed) {
  handshake_fixture f;
  auto first = f.alice.drain();
  end again{2, responder()};
  again.machine.start(f.now);
  f.deliver(again, first);
  again.drain();
  CAF_CHECK(again.asked->device == f.alice.self.device());
  again.machine.admit(true);
  again.drain();
  CAF_REQUIRE(again.completed);
  record_opener in{std::move(again.completed->keys.receive)};
  auto guess = byte_buffer(40);
  guess[0] = 36;
  std::span<const uint8_t> bytes{guess};
  CAF_CHECK(!in.read(bytes));
  again.machine.expire(f.now + 5s);
  again.drain();
  CAF_CHECK(again.reason() == errc::timed_out);
  CAF_CHECK(!again.confirmed);
}

CAF_TEST(any byte changed in either message ends the handshake) {
  auto first = handshake_fixture{}.alice.drain();
  for (size_t i = 0; i < first.size(); ++i) {
    handshake_fixture f;
    auto bad = f.alice.drain();
    bad[i] ^= 1;
    f.deliver(f.bob, bad);
    f.bob.drain();
    CAF_CHECK(!f.bob.completed);
    f.bob.machine.expire(f.now + 5s);
    f.bob.drain();
    CAF_CHECK(f.bob.failed.has_value());
    // A longer length only waits for bytes that never come.
    if (i > 2)
      CAF_CHECK(f.bob.reason() == errc::integrity_failed);
  }
  auto second = handshake_fixture{}.ask();
  for (size_t i = 0; i < second.size(); ++i) {
    handshake_fixture f;
    auto bad = f.ask();
    bad[i] ^= 1;
    f.deliver(f.alice, bad);
    f.alice.drain();
    CAF_CHECK(!f.alice.completed);
    if (i > 1)
      CAF_CHECK(f.alice.reason() == errc::integrity_failed);
  }
}

CAF_TEST(messages that are swapped or reflected end the handshake) {
  handshake_fixture f;
  auto first = f.alice.drain();
  f.deliver(f.alice, {first.begin() + 1, first.end()});
  f.alice.drain();
  CAF_CHECK(f.alice.reason() == errc::integrity_failed);
}

CAF_TEST(another prologue is another protocol) {
  auto payload = encode_introduction(introduction_of("alice")).value();
  for (const auto* prologue : {"peapod/1", "peapod/3", "peapod/2 ", ""}) {
    stranger f;
    CAF_CHECK(f.feed(f.first_message(prologue, payload))
              == errc::integrity_failed);
  }
  stranger f;
  f.deliver(f.bob, f.first_message("peapod/2", payload));
  f.bob.drain();
  CAF_CHECK(f.bob.asked.has_value());
}

CAF_TEST(another protocol is recognised by its first byte) {
  for (uint8_t byte : byte_buffer{0, 1, 3, 'G'}) {
    stranger f;
    CAF_CHECK(f.feed({byte}) == errc::peer_misbehaved);
  }
}

CAF_TEST(lengths that no message has end the handshake at once) {
  for (byte_buffer length : {byte_buffer{0, 0}, {95, 0}, {1, 4}, {255, 255}}) {
    stranger f;
    length.insert(length.begin(), 2);
    CAF_CHECK(f.feed(length) == errc::peer_misbehaved);
  }
  for (byte_buffer length : {byte_buffer{0, 0}, {47, 0}, {1, 4}}) {
    handshake_fixture f;
    f.alice.drain();
    f.deliver(f.alice, length);
    f.alice.drain();
    CAF_CHECK(f.alice.reason() == errc::peer_misbehaved);
  }
  stranger f;
  f.deliver(f.bob, {2, 0, 4}); // 1,024
  CAF_CHECK(f.bob.drain().empty());
  CAF_CHECK(!f.bob.failed);
}

CAF_TEST(an introduction that is none ends the handshake) {
  auto good = encode_introduction(introduction_of("alice")).value();
  for (size_t n = 0; n < good.size(); ++n) {
    stranger f;
    CAF_CHECK(
        f.feed(f.first_message("peapod/2", {good.begin(), good.begin() + n}))
        == errc::peer_misbehaved);
    CAF_CHECK(!f.bob.asked);
  }
}

CAF_TEST(ephemeral keys of low order end the handshake) {
  for (const auto& key : low_order_keys()) {
    stranger f;
    auto first = f.alice.drain();
    std::ranges::copy(key.bytes, first.begin() + 3);
    CAF_CHECK(f.feed(first) == errc::peer_misbehaved);
    auto config = initiator();
    config.responder_key = key;
    handshake_fixture other{std::move(config), responder()};
    CAF_CHECK(other.alice.drain().empty());
    CAF_CHECK(other.alice.reason() == errc::peer_misbehaved);
  }
}

CAF_TEST(a device does not connect with itself) {
  handshake_fixture f{initiator(0, 1), responder()};
  CAF_CHECK(f.alice.drain().empty());
  CAF_CHECK(f.alice.reason() == errc::loop_detected);
  // Who holds our secret without being us is refused as well.
  noise::handshake_keys keys;
  keys.prologue = {'p', 'e', 'a', 'p', 'o', 'd', '/', '2'};
  keys.s.emplace(secret_of(byte_buffer(32, 2)));
  keys.rs = f.bob.self.key();
  keys.psks.emplace_back();
  auto twin = noise::handshake_state::initialize(
      noise::find_pattern("IKpsk2").value(), std::move(keys), seeded_random(1));
  auto payload = encode_introduction(introduction_of("twin")).value();
  f.deliver(f.bob,
            stranger::framed(twin.value().write_message(payload).value()));
  f.bob.drain();
  CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
}

CAF_TEST(a handshake ends at its deadline in every state) {
  handshake_fixture f;
  for (auto* x : {&f.alice, &f.bob}) {
    CAF_CHECK(x->machine.deadline() == f.now + 5s);
    x->machine.expire(f.now + 5s - 1ns);
    x->drain();
    CAF_CHECK(!x->failed);
    x->machine.expire(f.now + 5s);
    x->drain();
    CAF_CHECK(x->reason() == errc::timed_out);
    CAF_CHECK(!x->machine.deadline());
  }
  handshake_fixture asked;
  asked.deliver(asked.bob, asked.alice.drain());
  asked.bob.drain();
  asked.bob.machine.expire(asked.now + 5s);
  asked.bob.drain();
  CAF_CHECK(asked.bob.reason() == errc::timed_out);
  // Bytes that come too late do not help.
  handshake_fixture late;
  auto first = late.alice.drain();
  late.now += 5s;
  late.deliver(late.bob, first);
  late.bob.drain();
  CAF_CHECK(late.bob.reason() == errc::timed_out);
}

CAF_TEST(what cannot be said is not sent) {
  auto config = initiator();
  config.self.agent = std::string(max_agent_size + 1, 'a');
  handshake_fixture f{std::move(config), responder()};
  CAF_CHECK(f.alice.drain().empty());
  CAF_CHECK(f.alice.reason() == errc::limit_reached);
}

CAF_TEST(an initiator without a key to call is a mistake) {
  auto config = initiator();
  config.responder_key.reset();
  handshake_fixture f{std::move(config), responder()};
  f.alice.drain();
  CAF_CHECK(f.alice.reason() == errc::not_allowed);
}

CAF_TEST(after the end nothing happens) {
  handshake_fixture f;
  f.bob.machine.close(make_error(errc::cancelled, "enough"));
  f.bob.drain();
  auto first = f.alice.drain();
  CAF_CHECK(f.deliver(f.bob, first) == first);
  f.bob.machine.close(make_error(errc::cancelled, "again"));
  f.bob.machine.admit(true);
  f.bob.machine.record_opened();
  f.bob.machine.expire(f.now + 1h);
  CAF_CHECK(f.bob.drain().empty());
  CAF_CHECK(f.bob.reason() == errc::cancelled);
}
