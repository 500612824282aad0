#define CAF_SUITE noise_handshake

#include "core/noise_handshake.hpp"

#include "tests/core/noise_fixture.hpp"
#include "tests/core/vectors.hpp"

#include <array>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::noise;

namespace {

/// A source of one ephemeral key.
random_source exactly(byte_buffer bytes) {
  return [bytes](std::span<uint8_t> out) {
    CAF_REQUIRE_EQUAL(out.size(), bytes.size());
    std::ranges::copy(bytes, out.begin());
  };
}

// -- published vectors --------------------------------------------------------

/// One side of a vector; `prefix` is `init` or `resp`.
handshake_state side_of(const vectors::json::object& x, role side) {
  std::string prefix = side == role::initiator ? "init" : "resp";
  auto field = [&](const char* name) { return x.if_contains(prefix + name); };
  auto name = vectors::text(x.at("protocol_name"));
  name = name.substr(6, name.find("_25519") - 6);
  auto pattern = find_pattern(name).value();
  CAF_CHECK_EQUAL(protocol_name(pattern), vectors::text(x.at("protocol_name")));
  handshake_keys keys;
  keys.side = side;
  keys.prologue = vectors::bytes(*field("_prologue"));
  keys.s.emplace(secret_of(vectors::bytes(*field("_static"))));
  if (const auto* key = field("_remote_static"))
    keys.rs = vectors::id<public_key>(*key);
  if (const auto* psks = field("_psks"))
    for (const auto& psk : psks->as_array())
      keys.psks.push_back(secret_of(vectors::bytes(psk)));
  auto out = handshake_state::initialize(
      pattern, std::move(keys), exactly(vectors::bytes(*field("_ephemeral"))));
  CAF_REQUIRE(out);
  return std::move(*out);
}

byte_buffer seal(cipher_state& with, const byte_buffer& plain) {
  byte_buffer out(plain.size() + with.overhead());
  std::span<const uint8_t> all{plain};
  CAF_REQUIRE(with.encrypt_with_ad({}, std::array{all}, out));
  return out;
}

byte_buffer open(cipher_state& with, const byte_buffer& sealed) {
  byte_buffer out(sealed.size() - with.overhead());
  CAF_REQUIRE(with.decrypt_with_ad({}, sealed, out));
  return out;
}

void run_vector(const vectors::json::object& x) {
  std::array sides{side_of(x, role::initiator), side_of(x, role::responder)};
  std::array<transport_keys, 2> keys;
  const auto& messages = x.at("messages").as_array();
  for (size_t i = 0; i < messages.size(); ++i) {
    auto payload = vectors::bytes(messages[i].at("payload"));
    auto expected = vectors::text(messages[i].at("ciphertext"));
    auto from = i % 2;
    auto to = 1 - from;
    if (sides[0].is_finished()) {
      auto sealed = seal(keys[from].send, payload);
      CAF_CHECK_EQUAL(to_hex(sealed), expected);
      CAF_CHECK(open(keys[to].receive, sealed) == payload);
      continue;
    }
    auto message = sides[from].write_message(payload);
    CAF_REQUIRE(message);
    CAF_CHECK_EQUAL(to_hex(*message), expected);
    CAF_CHECK(sides[to].read_message(*message).value() == payload);
    if (sides[0].is_finished())
      for (size_t side = 0; side < 2; ++side) {
        CAF_CHECK_EQUAL(to_string(sides[side].handshake_hash()),
                        vectors::text(x.at("handshake_hash")));
        keys[side] = sides[side].split().value();
      }
  }
}

// -- two sides of IKpsk2 ------------------------------------------------------

struct options {
  std::string pattern = "IKpsk2";
  byte_buffer initiator_prologue{1};
  byte_buffer responder_prologue{1};
  uint8_t initiator_psk = 9;
  uint8_t responder_psk = 9;
  std::optional<public_key> expected =
      std::nullopt; ///< instead of the responder's key
};

struct pair {
  explicit pair(options with = {}) : pair(with, make(with, role::initiator)) {}
  pair(const options& with, result<handshake_state> first)
    : initiator(std::move(first.value())),
      responder(make(with, role::responder).value()) {}

  static key_pair static_of(role side) {
    return key_pair{
        secret_of(byte_buffer(32, side == role::initiator ? 1 : 2))};
  }

  static result<handshake_state> make(const options& with, role side) {
    auto initiates = side == role::initiator;
    handshake_keys keys;
    keys.side = side;
    keys.prologue =
        initiates ? with.initiator_prologue : with.responder_prologue;
    keys.s.emplace(static_of(side));
    if (initiates && with.pattern.starts_with("IK"))
      keys.rs = with.expected.value_or(static_of(role::responder).key());
    auto pattern = find_pattern(with.pattern).value();
    for (size_t i = 0; i < pattern.psk_count(); ++i)
      keys.psks.push_back(secret_of(byte_buffer(
          32, initiates ? with.initiator_psk : with.responder_psk)));
    return handshake_state::initialize(pattern, std::move(keys),
                                       seeded_random(initiates ? 1 : 2));
  }

  /// Runs the handshake; the first error ends it.
  result<void> run() {
    std::array sides{&initiator, &responder};
    for (size_t i = 0; !initiator.is_finished(); ++i) {
      auto message = sides[i % 2]->write_message({});
      if (!message)
        return message.error();
      auto payload = sides[1 - i % 2]->read_message(*message);
      if (!payload)
        return payload.error();
    }
    return {};
  }

  handshake_state initiator;
  handshake_state responder;
};

const byte_buffer hello{'h', 'e', 'l', 'l', 'o'};

} // namespace

CAF_TEST(published vectors give their bytes hashes and payloads) {
  auto document = vectors::load("noise.json");
  const auto& all = document.at("vectors").as_array();
  CAF_REQUIRE(!all.empty());
  for (const auto& x : all) {
    CAF_MESSAGE(vectors::text(x.at("protocol_name")));
    run_vector(x.as_object());
  }
}

CAF_TEST(patterns have the tokens of the specification) {
  using enum token;
  auto ik = find_pattern("IKpsk2").value();
  CAF_CHECK(ik.responder_is_known && !ik.initiator_is_known);
  CAF_CHECK(
      ik.messages
      == (std::vector<message_pattern>{{e, es, s, ss}, {e, ee, se, psk}}));
  auto xx = find_pattern("XXpsk0+psk3").value();
  CAF_CHECK(!xx.responder_is_known && !xx.initiator_is_known);
  CAF_CHECK(xx.messages
            == (std::vector<message_pattern>{
                {psk, e}, {e, ee, s, es}, {s, se, psk}}));
  CAF_CHECK_EQUAL(xx.psk_count(), 2u);
  CAF_CHECK_EQUAL(protocol_name(xx),
                  "Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256");
}

CAF_TEST(what is no pattern is not found) {
  for (const auto* name :
       {"", "I", "IX", "ik", "IKpsk", "IKpsk3", "IKpsk02", "IKpsk1+",
        "IKpsk1psk2", "IKpsk1+psk1", "IK+psk1", "IKfallback", "psk0",
        "IKpsk99999999999999999999", "IKpsk-1"}) {
    auto pattern = find_pattern(name);
    CAF_REQUIRE(!pattern);
    CAF_CHECK(pattern.error().code == errc::not_found);
  }
}

CAF_TEST(every pattern that we have ends with the same keys on both sides) {
  for (const auto* name :
       {"IK", "IKpsk0", "IKpsk1", "IKpsk2", "IKpsk1+psk2", "XX", "XXpsk0",
        "XXpsk1", "XXpsk2", "XXpsk3", "XXpsk0+psk3"}) {
    CAF_MESSAGE(name);
    pair both{{.pattern = name}};
    CAF_REQUIRE(both.run());
    CAF_CHECK(both.initiator.handshake_hash()
              == both.responder.handshake_hash());
    CAF_CHECK(both.responder.remote_static()
              == pair::static_of(role::initiator).key());
    CAF_CHECK(both.initiator.remote_static()
              == pair::static_of(role::responder).key());
    auto a = both.initiator.split().value();
    auto b = both.responder.split().value();
    CAF_CHECK(open(b.receive, seal(a.send, hello)) == hello);
    CAF_CHECK(open(a.receive, seal(b.send, hello)) == hello);
    CAF_CHECK(seal(a.send, hello) != seal(b.send, hello));
  }
}

CAF_TEST(keys that do not fit the pattern are refused) {
  auto fits = [](std::string_view pattern, role side, bool s, bool rs,
                 size_t psks) {
    handshake_keys keys;
    keys.side = side;
    if (s)
      keys.s.emplace(secret_of(byte_buffer(32, 1)));
    if (rs)
      keys.rs = public_key{};
    keys.psks.resize(psks);
    return handshake_state::initialize(find_pattern(pattern).value(),
                                       std::move(keys), seeded_random(1))
        .has_value();
  };
  CAF_CHECK(fits("IK", role::initiator, true, true, 0));
  CAF_CHECK(!fits("IK", role::initiator, true, false, 0));
  CAF_CHECK(!fits("IK", role::initiator, false, true, 0));
  CAF_CHECK(fits("IK", role::responder, true, false, 0));
  CAF_CHECK(!fits("IK", role::responder, true, true, 0));
  CAF_CHECK(!fits("IK", role::responder, false, false, 0));
  CAF_CHECK(!fits("IK", role::initiator, true, true, 1));
  CAF_CHECK(!fits("IKpsk2", role::initiator, true, true, 0));
  CAF_CHECK(fits("XX", role::responder, true, false, 0));
  CAF_CHECK(!fits("XX", role::initiator, false, false, 0));
}

CAF_TEST(any bit changed in any message ends the handshake) {
  for (size_t which = 0; which < 2; ++which) {
    auto size = pair{}.initiator.write_message(hello).value().size();
    if (which == 1)
      size = key_size + hello.size() + 16;
    for (size_t i = 0; i < size * 8; ++i) {
      pair both;
      auto first = both.initiator.write_message(hello).value();
      if (which == 0) {
        first[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
        CAF_CHECK(!both.responder.read_message(first));
        CAF_CHECK(!both.responder.write_message({}));
        continue;
      }
      CAF_REQUIRE(both.responder.read_message(first));
      auto second = both.responder.write_message(hello).value();
      second[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
      CAF_CHECK(!both.initiator.read_message(second));
      CAF_CHECK(!both.initiator.split());
    }
  }
}

CAF_TEST(a message cut or extended anywhere ends the handshake) {
  auto first = pair{}.initiator.write_message(hello).value();
  for (size_t n = 0; n < first.size(); ++n)
    CAF_CHECK(!pair{}.responder.read_message(std::span{first}.first(n)));
  auto longer = first;
  longer.push_back(0);
  CAF_CHECK(!pair{}.responder.read_message(longer));
  CAF_CHECK(pair{}.responder.read_message(first));
}

CAF_TEST(another prologue another psk
         or another static key do not authenticate) {
  options prologue;
  prologue.responder_prologue = {2};
  options psk;
  psk.responder_psk = 8;
  options expected;
  expected.expected = pair::static_of(role::initiator).key();
  for (const auto& with : {prologue, psk, expected}) {
    auto done = pair{with}.run();
    CAF_REQUIRE(!done);
    CAF_CHECK(done.error().code == errc::integrity_failed);
  }
}

CAF_TEST(a responder cannot tell a wrong psk but its answer is of no use) {
  pair both{{.responder_psk = 8}};
  auto first = both.initiator.write_message(hello).value();
  CAF_CHECK(both.responder.read_message(first).value() == hello);
  auto second = both.responder.write_message(hello).value();
  CAF_CHECK(both.responder.is_finished());
  CAF_CHECK(!both.initiator.read_message(second));
}

CAF_TEST(a first message may be replayed and the keys differ nevertheless) {
  pair both;
  auto first = both.initiator.write_message(hello).value();
  auto again = pair::make({}, role::responder).value();
  auto other = handshake_state::initialize(
      find_pattern("IKpsk2").value(),
      [] {
        handshake_keys keys;
        keys.side = role::responder;
        keys.prologue = {1};
        keys.s.emplace(pair::static_of(role::responder));
        keys.psks.push_back(secret_of(byte_buffer(32, 9)));
        return keys;
      }(),
      seeded_random(3));
  CAF_REQUIRE(other);
  CAF_CHECK(both.responder.read_message(first));
  CAF_CHECK(other->read_message(first));
  auto mine = both.responder.write_message({}).value();
  auto theirs = other->write_message({}).value();
  CAF_CHECK(mine != theirs);
  CAF_CHECK(both.responder.handshake_hash() != other->handshake_hash());
  CAF_REQUIRE(both.initiator.read_message(mine));
  auto a = both.initiator.split().value();
  auto b = other->split().value();
  auto sealed = seal(a.send, hello);
  byte_buffer out(hello.size());
  CAF_CHECK(!b.receive.decrypt_with_ad({}, sealed, out));
}

CAF_TEST(messages out of turn are refused) {
  pair both;
  CAF_CHECK(!both.responder.write_message({}));
  CAF_CHECK(!both.initiator.read_message(byte_buffer(96)));
  auto first = both.initiator.write_message({}).value();
  CAF_CHECK(!both.initiator.write_message({}));
  CAF_CHECK(!both.initiator.read_message(first));
  pair fresh;
  auto one = fresh.initiator.write_message({}).value();
  CAF_REQUIRE(fresh.responder.read_message(one));
  CAF_CHECK(!fresh.responder.read_message(one));
  CAF_CHECK(!fresh.responder.split());
}

CAF_TEST(ephemeral and static keys of low order are refused) {
  for (const auto& key : low_order_keys()) {
    pair both;
    auto first = both.initiator.write_message({}).value();
    std::ranges::copy(key.bytes, first.begin());
    auto read = both.responder.read_message(first);
    CAF_REQUIRE(!read);
    CAF_CHECK(read.error().code == errc::peer_misbehaved);

    pair other;
    first = other.initiator.write_message({}).value();
    CAF_REQUIRE(other.responder.read_message(first));
    auto second = other.responder.write_message({}).value();
    std::ranges::copy(key.bytes, second.begin());
    read = other.initiator.read_message(second);
    CAF_REQUIRE(!read);
    CAF_CHECK(read.error().code == errc::peer_misbehaved);

    auto written = pair{{.expected = key}}.initiator.write_message({});
    CAF_REQUIRE(!written);
    CAF_CHECK(written.error().code == errc::peer_misbehaved);
  }
}

CAF_TEST(a message has at most 65535 bytes) {
  constexpr size_t overhead = key_size + key_size + 16 + 16;
  byte_buffer payload(noise::max_message_size - overhead, 'x');
  pair both;
  auto message = both.initiator.write_message(payload).value();
  CAF_CHECK_EQUAL(message.size(), noise::max_message_size);
  CAF_CHECK(both.responder.read_message(message).value() == payload);
  message.push_back(0);
  auto read = pair{}.responder.read_message(message);
  CAF_REQUIRE(!read);
  CAF_CHECK(read.error().code == errc::peer_misbehaved);
  payload.push_back('x');
  pair again;
  auto written = again.initiator.write_message(payload);
  CAF_REQUIRE(!written);
  CAF_CHECK(written.error().code == errc::limit_reached);
  CAF_CHECK(!again.initiator.write_message({}));
}

CAF_TEST(a handshake leaves no secret behind) {
  static_assert(!std::is_copy_constructible_v<handshake_state>);
  static_assert(!std::is_copy_constructible_v<handshake_keys>);
  static_assert(!std::is_copy_constructible_v<transport_keys>);
  auto s = byte_buffer(32, 1);
  pair both;
  CAF_REQUIRE(both.run());
  CAF_CHECK(!ever_has<handshake_state>(s, std::move(both.initiator)));
  byte_buffer e(32);
  seeded_random(1)(e);
  pair again;
  CAF_REQUIRE(again.run());
  CAF_CHECK(!ever_has<handshake_state>(e, std::move(again.initiator)));
}
