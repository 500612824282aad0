#define CAF_SUITE pairing

#include "core/pairing.hpp"

#include "core/integrity.hpp"
#include "tests/core/noise_fixture.hpp"

#include <algorithm>
#include <set>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::literals;
using noise::role;

namespace {

digest hash_of(uint8_t seed) {
  return sha256(byte_buffer(1, seed));
}

/// A pairing and what came of it.
struct side {
  side(role which, const digest& hash, uint64_t seed)
    : machine(which, hash, seeded_random(seed)) {
    machine.start(instant{});
    drain();
  }

  template <class Message>
  void receive(const Message& x) {
    machine.receive(x);
    drain();
  }

  void drain() {
    while (auto action = machine.poll()) {
      CAF_REQUIRE(!code && !failed);
      if (auto* x = std::get_if<wire2::pairing_commit>(&*action))
        commit = *x;
      else if (auto* y = std::get_if<wire2::pairing_reveal>(&*action))
        reveal = *y;
      else if (auto* z = std::get_if<pairing_code>(&*action))
        code = *z;
      else
        failed = std::get<pairing_failed>(*action).reason;
    }
  }

  errc reason() const {
    CAF_REQUIRE(failed.has_value());
    return failed->code;
  }

  pairing machine;
  std::optional<wire2::pairing_commit> commit;
  std::optional<wire2::pairing_reveal> reveal;
  std::optional<pairing_code> code;
  std::optional<error> failed;
};

/// Two sides and one handshake between them.
struct pairing_fixture {
  side alice{role::initiator, hash_of(1), 1};
  side bob{role::responder, hash_of(1), 2};
};

} // namespace

CAF_TEST(both sides come to the same code) {
  pairing_fixture f;
  CAF_CHECK(!f.alice.reveal && !f.bob.reveal);
  f.alice.receive(*f.bob.commit);
  f.bob.receive(*f.alice.commit);
  CAF_CHECK(!f.alice.code && !f.bob.code);
  f.alice.receive(*f.bob.reveal);
  f.bob.receive(*f.alice.reveal);
  CAF_REQUIRE(f.alice.code && f.bob.code);
  CAF_CHECK(*f.alice.code == *f.bob.code);
  CAF_CHECK(!f.alice.machine.deadline());
  auto text = to_string(*f.alice.code);
  CAF_CHECK_EQUAL(std::ranges::count(text, ' '), 3);
}

CAF_TEST(the code is forty bits of hash and nonces in this order) {
  auto a = wire2::pairing_nonce::from(byte_buffer(32, 1));
  auto b = wire2::pairing_nonce::from(byte_buffer(32, 2));
  auto nonces = byte_buffer(32, 1);
  nonces.insert(nonces.end(), 32, 2);
  auto keys = noise::hkdf<2>(hash_of(1).bytes, nonces);
  auto bytes = keys[0].bytes().first<5>();
  auto word = [&](size_t first_bit) {
    size_t n = 0;
    for (size_t i = first_bit; i < first_bit + 10; ++i)
      n = n << 1 | (bytes[i / 8] >> (7 - i % 8) & 1);
    return pairing_words[n];
  };
  auto code = derive_pairing_code(hash_of(1), a, b);
  CAF_CHECK_EQUAL(to_string(code), "arch writer almond fudge");
  for (size_t i = 0; i < 4; ++i)
    CAF_CHECK_EQUAL(code.words[i], word(10 * i));
  CAF_CHECK(derive_pairing_code(hash_of(1), b, a) != code);
  CAF_CHECK(derive_pairing_code(hash_of(2), a, b) != code);
}

CAF_TEST(who sits in between has other codes on both sides) {
  // Mallory has a session with each of them, and so two handshake hashes.
  side alice{role::initiator, hash_of(1), 1};
  side bob{role::responder, hash_of(2), 2};
  side to_alice{role::responder, hash_of(1), 3};
  side to_bob{role::initiator, hash_of(2), 3};
  alice.receive(*to_alice.commit);
  to_alice.receive(*alice.commit);
  bob.receive(*to_bob.commit);
  to_bob.receive(*bob.commit);
  alice.receive(*to_alice.reveal);
  bob.receive(*to_bob.reveal);
  CAF_REQUIRE(alice.code && bob.code);
  CAF_CHECK(*alice.code != *bob.code);
}

CAF_TEST(who sits in between cannot pass messages on) {
  side alice{role::initiator, hash_of(1), 1};
  side bob{role::responder, hash_of(2), 2};
  alice.receive(*bob.commit);
  bob.receive(*alice.commit);
  alice.receive(*bob.reveal);
  bob.receive(*alice.reveal);
  CAF_CHECK(alice.reason() == errc::integrity_failed);
  CAF_CHECK(bob.reason() == errc::integrity_failed);
}

CAF_TEST(a nonce cannot be chosen when the other one is known) {
  // Whoever is in between knows the code that alice will show, and looks for a
  // nonce that gives bob the same one. To see his nonce it has to commit.
  side alice{role::initiator, hash_of(1), 1};
  side to_alice{role::responder, hash_of(1), 3};
  alice.receive(*to_alice.commit);
  to_alice.receive(*alice.commit);
  to_alice.receive(*alice.reveal);
  CAF_REQUIRE(to_alice.code);
  side bob{role::responder, hash_of(2), 2};
  CAF_CHECK(!bob.reveal);
  auto early = wire2::pairing_nonce::from(byte_buffer(32, 7));
  bob.receive(wire2::pairing_commit{
      pairing_commitment(role::initiator, hash_of(2), early)});
  CAF_REQUIRE(bob.reveal);
  // Now that the nonce is there, a better choice comes too late.
  bob.receive(
      wire2::pairing_reveal{wire2::pairing_nonce::from(byte_buffer(32, 8))});
  CAF_CHECK(bob.reason() == errc::integrity_failed);
  CAF_CHECK(!bob.code);
}

CAF_TEST(nothing is revealed to who reveals first) {
  pairing_fixture f;
  f.bob.receive(wire2::pairing_reveal{});
  CAF_CHECK(f.bob.reason() == errc::peer_misbehaved);
  CAF_CHECK(!f.bob.reveal);
}

CAF_TEST(a commitment is not changed and not reflected) {
  pairing_fixture f;
  f.alice.receive(*f.bob.commit);
  f.alice.receive(*f.bob.commit);
  CAF_CHECK(f.alice.reason() == errc::peer_misbehaved);
  pairing_fixture mirror;
  mirror.alice.receive(*mirror.alice.commit);
  mirror.alice.receive(*mirror.alice.reveal);
  CAF_CHECK(mirror.alice.reason() == errc::integrity_failed);
}

CAF_TEST(after the end nothing happens) {
  pairing_fixture f;
  f.alice.receive(wire2::pairing_reveal{});
  CAF_CHECK(f.alice.failed.has_value());
  f.alice.receive(*f.bob.commit);
  f.alice.receive(wire2::pairing_reveal{});
  f.alice.machine.expire(instant{1h});
  f.alice.machine.start(instant{});
  f.alice.drain();
  CAF_CHECK(!f.alice.reveal);
}

CAF_TEST(a peer that takes no part is given up) {
  pairing_fixture f;
  CAF_REQUIRE(f.alice.machine.deadline());
  CAF_CHECK(*f.alice.machine.deadline() == instant{5s});
  f.alice.machine.expire(instant{5s - 1ns});
  f.alice.drain();
  CAF_CHECK(!f.alice.failed);
  f.alice.machine.expire(instant{5s});
  f.alice.drain();
  CAF_CHECK(f.alice.reason() == errc::timed_out);
}

CAF_TEST(there are 1024 different short words) {
  CAF_CHECK_EQUAL(pairing_words.size(), 1024u);
  std::set<std::string_view> starts;
  for (auto word : pairing_words) {
    CAF_CHECK(word.size() >= 3 && word.size() <= 7);
    CAF_CHECK(
        std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; }));
    starts.insert(word.substr(0, 4));
  }
  CAF_CHECK_EQUAL(starts.size(), pairing_words.size());
  CAF_CHECK(std::ranges::is_sorted(pairing_words));
}
