#define CAF_SUITE session

#include "core/session.hpp"

#include "core/integrity.hpp"
#include "tests/core/vectors.hpp"

#include <algorithm>
#include <random>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::literals;

namespace {

identity make_identity(uint8_t seed) {
  return identity::from_secret(byte_buffer(32, seed)).value();
}

const transfer_id some_transfer = transfer_id::from(byte_buffer(16, 9));

/// One end of a connection: a session and what it did.
struct session_end {
  session_end(uint8_t seed, session_config config)
    : self(make_identity(seed)), machine(self, std::move(config)) {}

  /// Takes all actions; returns the bytes to write.
  byte_buffer drain() {
    byte_buffer out;
    while (auto action = machine.poll()) {
      CAF_REQUIRE(!closed);
      if (auto* x = std::get_if<write_bytes>(&*action))
        for (auto& part : x->bytes)
          out.insert(out.end(), part.bytes().begin(), part.bytes().end());
      else if (auto* y = std::get_if<message_received>(&*action))
        received.push_back(std::move(*y));
      else if (auto* z = std::get_if<session_closed>(&*action))
        closed = z->reason;
      else if (auto* e = std::get_if<session_established>(&*action))
        established = e->device;
      else
        identified = std::get<peer_identified>(*action).device;
    }
    return out;
  }

  template <class Message>
  const Message& last() {
    CAF_REQUIRE(!received.empty());
    return std::get<Message>(received.back().message);
  }

  errc reason() const {
    CAF_REQUIRE(closed.has_value());
    return closed->code;
  }

  identity self;
  session machine;
  std::vector<message_received> received;
  std::optional<device_id> identified;
  std::optional<device_id> established;
  std::optional<error> closed;
};

session_config as(session_role role) {
  session_config out;
  out.role = role;
  return out;
}

/// Two sessions and a connection of perfect patience.
struct session_fixture {
  session_fixture()
    : session_fixture(as(session_role::initiator),
                      as(session_role::responder)) {}
  session_fixture(session_config a, session_config b)
    : alice(1, std::move(a)), bob(2, std::move(b)) {}

  void start() {
    alice.machine.start(now);
    bob.machine.start(now);
  }

  /// Moves bytes until nothing moves any more.
  void settle() {
    for (;;) {
      auto there = alice.drain();
      auto back = bob.drain();
      if (there.empty() && back.empty())
        return;
      deliver(bob, there);
      deliver(alice, back);
    }
  }

  void deliver(session_end& to, byte_buffer bytes) {
    slice all{std::move(bytes)};
    for (size_t i = 0; i < all.size(); i += portion)
      to.machine.receive(all.sub(i, portion), now);
  }

  void connect() {
    start();
    settle();
    bob.machine.admit(true, now);
    settle();
  }

  instant now{1h};
  size_t portion = SIZE_MAX / 2;
  session_end alice;
  session_end bob;
};

chunk_data chunk_of(byte_buffer payload) {
  auto hash = sha256(payload);
  auto size = payload.size();
  return {some_transfer, {0, size}, hash, slice{std::move(payload)}, {}};
}

/// A session that a stranger talks to with raw bytes.
struct accepted : session_fixture {
  accepted() {
    bob.machine.start(now);
    auto hello = encode_hello(alice.self);
    feed({hello.begin(), hello.end()});
    bob.machine.admit(true, now);
    CAF_REQUIRE_EQUAL(bob.drain().size(), hello_size + 52);
  }

  void feed(byte_buffer bytes) {
    deliver(bob, std::move(bytes));
    bob.drain();
  }

  void feed(const slice& bytes) {
    feed(byte_buffer{bytes.bytes().begin(), bytes.bytes().end()});
  }

  sealer out{derive_session_key(alice.self, bob.self.key()).value()};
};

} // namespace

CAF_TEST(two ends connect and know each other) {
  session_fixture f;
  f.connect();
  CAF_CHECK(f.bob.identified == f.alice.self.device());
  CAF_CHECK(!f.alice.identified);
  CAF_CHECK(f.alice.established == f.bob.self.device());
  CAF_CHECK(f.bob.established == f.alice.self.device());
  CAF_CHECK(f.alice.machine.is_established());
  CAF_CHECK_EQUAL(f.alice.last<heartbeat>().device, f.bob.self.device());
  CAF_CHECK_EQUAL(f.bob.last<heartbeat>().device, f.alice.self.device());
}

CAF_TEST(a responder says nothing before the peer is admitted) {
  session_fixture f;
  f.start();
  f.deliver(f.bob, f.alice.drain());
  CAF_CHECK(f.bob.drain().empty());
  CAF_CHECK(f.bob.identified == f.alice.self.device());
  CAF_CHECK(!f.bob.established);
}

CAF_TEST(a peer that is not admitted gets no answer) {
  session_fixture f;
  f.start();
  f.deliver(f.bob, f.alice.drain());
  f.bob.machine.admit(false, f.now);
  CAF_CHECK(f.bob.drain().empty());
  CAF_CHECK(f.bob.reason() == errc::policy_refused);
}

CAF_TEST(only the first heartbeat carries the hello extension) {
  auto config = as(session_role::initiator);
  config.hello = hello_extension{2, 5, "attic"};
  session_fixture f{config, as(session_role::responder)};
  f.connect();
  CAF_CHECK(f.bob.last<heartbeat>().hello == config.hello);
  CAF_CHECK(!f.alice.last<heartbeat>().hello);
  f.now += 1s;
  f.alice.machine.expire(f.now);
  f.settle();
  CAF_CHECK_EQUAL(f.bob.received.size(), 2u);
  CAF_CHECK(!f.bob.last<heartbeat>().hello);
}

CAF_TEST(messages arrive however the bytes are cut) {
  std::mt19937 random{3};
  for (size_t portion : {1, 3, 7, 48, 49, 50, 1000}) {
    session_fixture f;
    f.portion = portion;
    f.connect();
    byte_buffer payload(1 + random() % 5000, 5);
    f.bob.machine.set_frame_limit(frame_limit_for(payload.size()));
    auto chunk = chunk_of(payload);
    chunk.origin = chunk_origin{206, {"\"x\"", {}, 9000}, 0};
    CAF_CHECK(f.alice.machine.send(chunk));
    CAF_CHECK(f.alice.machine.send(
        chunk_request{some_transfer, {0, 9}, "http://a/", {}}));
    f.settle();
    CAF_REQUIRE_EQUAL(f.bob.received.size(), 3u);
    CAF_CHECK(f.bob.received[1].message == wire_message{chunk});
    CAF_CHECK(f.bob.received[1].hash_matches);
    CAF_CHECK_EQUAL(f.bob.last<chunk_request>().url.value(), "http://a/");
  }
}

CAF_TEST(a whole conversation has the bytes of the reference) {
  accepted f;
  for (const auto& x : vectors::section("transport_0_1")) {
    if (vectors::number(x.at("from_identity")) != 0)
      continue;
    f.feed(vectors::bytes(x.at("on_wire")));
    CAF_CHECK(!f.bob.closed);
    CAF_REQUIRE(!f.bob.received.empty());
    CAF_CHECK(f.bob.received.back().message
              == vectors::message(x.at("message")));
  }
  CAF_CHECK_EQUAL(f.bob.received.size(), 4u);
}

CAF_TEST(a chunk of four mebibytes arrives whole) {
  session_fixture f;
  f.portion = 65536;
  f.connect();
  f.bob.machine.set_frame_limit(frame_limit_for(4_MiB));
  CAF_CHECK(f.alice.machine.send(chunk_of(byte_buffer(4_MiB, 0x5a))));
  f.settle();
  CAF_CHECK_EQUAL(f.bob.last<chunk_data>().payload.size(), 4_MiB);
  CAF_CHECK(f.bob.received.back().hash_matches);
}

CAF_TEST(a chunk that is not what its hash says is marked) {
  session_fixture f;
  f.connect();
  auto chunk = chunk_of({1, 2, 3});
  chunk.hash.bytes[0] ^= 1;
  CAF_CHECK(f.alice.machine.send(chunk));
  f.settle();
  CAF_CHECK(!f.bob.received.back().hash_matches);
  CAF_CHECK(!f.bob.closed);
}

CAF_TEST(nothing longer than what was asked for is taken) {
  session_fixture f;
  f.connect();
  CAF_CHECK(f.alice.machine.send(chunk_of(byte_buffer(100000, 1))));
  f.settle();
  CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
  CAF_CHECK_EQUAL(f.bob.received.size(), 1u);
}

CAF_TEST(what protocol 1 cannot carry is not sent) {
  session_fixture f;
  f.connect();
  auto sent =
      f.alice.machine.send(chunk_of(byte_buffer(max_chunk_payload + 1)));
  CAF_REQUIRE(!sent);
  CAF_CHECK(sent.error().code == errc::limit_reached);
  CAF_CHECK(f.alice.machine.send(chunk_of(byte_buffer(max_chunk_payload))));
  f.bob.machine.set_frame_limit(SIZE_MAX);
  f.settle();
  CAF_CHECK_EQUAL(f.bob.last<chunk_data>().payload.size(), max_chunk_payload);
}

CAF_TEST(there is nothing to send before the session is established) {
  session_fixture f;
  f.start();
  auto sent = f.alice.machine.send(leave{f.alice.self.device()});
  CAF_REQUIRE(!sent);
  CAF_CHECK(sent.error().code == errc::connection_closed);
}

CAF_TEST(a heartbeat goes out every second and silence ends the session) {
  session_fixture f;
  f.connect();
  for (int second = 1; second < 6; ++second) {
    CAF_CHECK(f.alice.machine.deadline() == f.now + 1s);
    f.now += 1s;
    f.alice.machine.expire(f.now);
    CAF_CHECK_EQUAL(f.alice.drain().size(), 52u);
    f.alice.machine.expire(f.now);
    CAF_CHECK(f.alice.drain().empty());
  }
  f.now += 1s;
  f.alice.machine.expire(f.now);
  CAF_CHECK(f.alice.drain().empty());
  CAF_CHECK(f.alice.reason() == errc::timed_out);
  CAF_CHECK(!f.alice.machine.deadline());
}

CAF_TEST(heartbeats keep a session alive) {
  session_fixture f;
  f.connect();
  for (int second = 0; second < 30; ++second) {
    f.now += 1s;
    f.alice.machine.expire(f.now);
    f.bob.machine.expire(f.now);
    f.settle();
  }
  CAF_CHECK(!f.alice.closed);
  CAF_CHECK(!f.bob.closed);
  CAF_CHECK_EQUAL(f.bob.received.size(), 31u);
}

CAF_TEST(a slow chunk is a sign of life but not for ever) {
  accepted f;
  f.bob.machine.set_frame_limit(frame_limit_for(1_MiB));
  auto frame = encode_frame(chunk_of(byte_buffer(1_MiB, 1))).value();
  auto record = f.out.seal({frame}).value();
  for (size_t i = 0; i < 12; ++i) {
    f.feed(record.sub(i * 10, 10));
    CAF_CHECK(!f.bob.closed);
    f.now += 5s;
    if (i < 11)
      f.bob.machine.expire(f.now);
  }
  f.bob.machine.expire(f.now);
  f.bob.drain();
  CAF_CHECK(f.bob.reason() == errc::timed_out);
}

CAF_TEST(a handshake has five seconds) {
  for (auto seconds : {4s, 5s}) {
    session_fixture f;
    f.start();
    f.alice.drain();
    CAF_CHECK(f.alice.machine.deadline() == f.now + 5s);
    f.now += seconds;
    f.alice.machine.expire(f.now);
    f.bob.machine.expire(f.now);
    f.alice.drain();
    f.bob.drain();
    CAF_CHECK_EQUAL(f.alice.closed.has_value(), seconds == 5s);
    CAF_CHECK_EQUAL(f.bob.closed.has_value(), seconds == 5s);
  }
}

CAF_TEST(an initiator insists on the device that it wanted) {
  auto config = as(session_role::initiator);
  config.expected_device = make_identity(3).device();
  session_fixture f{config, as(session_role::responder)};
  f.connect();
  CAF_CHECK(f.alice.reason() == errc::peer_misbehaved);
  CAF_CHECK(!f.alice.established);
}

CAF_TEST(a device does not pool with itself) {
  session_fixture f;
  session_end twin{1, as(session_role::responder)};
  f.start();
  twin.machine.start(f.now);
  f.deliver(twin, f.alice.drain());
  twin.drain();
  CAF_CHECK(twin.reason() == errc::peer_misbehaved);
}

CAF_TEST(another protocol is recognised by its first byte) {
  session_fixture f;
  f.start();
  f.deliver(f.bob, {'G'});
  f.bob.drain();
  CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
}

CAF_TEST(a key of low order ends the handshake) {
  session_fixture f;
  f.start();
  auto zero = vectors::section("odd_public_keys").at(0);
  byte_buffer hello{1};
  for (const auto* name : {"device_id", "public_key"})
    for (auto x : vectors::bytes(zero.at(name)))
      hello.push_back(x);
  f.deliver(f.bob, hello);
  f.bob.drain();
  CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
  CAF_CHECK(!f.bob.identified);
}

CAF_TEST(a stolen device id ends the handshake) {
  session_fixture f;
  f.start();
  auto hello = encode_hello(f.alice.self);
  hello[1] ^= 1;
  f.deliver(f.bob, {hello.begin(), hello.end()});
  f.bob.drain();
  CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
}

CAF_TEST(bytes that do not authenticate end the session) {
  accepted f;
  auto frame = encode_frame(heartbeat{f.alice.self.device(), {}}).value();
  auto record = f.out.seal({frame}).value();
  byte_buffer bytes{record.bytes().begin(), record.bytes().end()};
  bytes[10] ^= 1;
  f.feed(bytes);
  CAF_CHECK(f.bob.reason() == errc::integrity_failed);
  CAF_CHECK(f.bob.received.empty());
}

CAF_TEST(a replayed message ends the session) {
  accepted f;
  auto frame = encode_frame(heartbeat{f.alice.self.device(), {}}).value();
  auto record = f.out.seal({frame}).value();
  f.feed(record);
  CAF_CHECK_EQUAL(f.bob.received.size(), 1u);
  f.feed(record);
  CAF_CHECK(f.bob.reason() == errc::integrity_failed);
}

CAF_TEST(malformed messages in good encryption end the session) {
  for (const auto& x : vectors::section("malformed_frames")) {
    CAF_MESSAGE(vectors::text(x.at("name")));
    accepted f;
    f.feed(f.out.seal({vectors::bytes(x.at("bytes"))}).value());
    auto fine = vectors::text(x.at("decode").at("result")) == "ok";
    CAF_CHECK_EQUAL(f.bob.closed.has_value(), !fine);
    if (!fine)
      CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
  }
}

CAF_TEST(a frame too short for a tag ends the session) {
  accepted f;
  f.feed(byte_buffer{15, 0, 0, 0});
  CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
}

CAF_TEST(a peer speaks for nobody but itself) {
  accepted f;
  auto frame = encode_frame(leave{make_identity(3).device()}).value();
  f.feed(f.out.seal({frame}).value());
  CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
  CAF_CHECK(f.bob.received.empty());
}

CAF_TEST(a closed session is silent) {
  accepted f;
  f.bob.machine.close(make_error(errc::cancelled));
  f.bob.drain();
  CAF_CHECK(f.bob.reason() == errc::cancelled);
  f.feed(byte_buffer(100, 1));
  f.bob.machine.expire(f.now + 1h);
  f.bob.machine.admit(true, f.now);
  f.bob.machine.close(make_error(errc::io_failed));
  CAF_CHECK(!f.bob.machine.poll());
}
