#define CAF_SUITE identity

#include "core/identity.hpp"

#include "tests/core/vectors.hpp"

#include <algorithm>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

identity identity_at(size_t index) {
  const auto& x = vectors::section("identities").at(index);
  return identity::from_secret(vectors::bytes(x.at("secret"))).value();
}

std::string key_text(const session_key& x) {
  return to_hex(x.bytes());
}

} // namespace

CAF_TEST(public keys and device ids follow from the secret) {
  for (const auto& x : vectors::section("identities")) {
    auto self = identity_at(vectors::number(x.at("index")));
    CAF_CHECK_EQUAL(to_string(self.key()), vectors::text(x.at("public_key")));
    CAF_CHECK_EQUAL(to_string(self.device()), vectors::text(x.at("device_id")));
    CAF_CHECK(derive_device_id(self.key()) == self.device());
    CAF_CHECK_EQUAL(to_hex(self.secret()), vectors::text(x.at("secret")));
  }
}

CAF_TEST(both sides of a pair derive the session key of the reference) {
  for (const auto& x : vectors::section("pairs")) {
    auto a = identity_at(vectors::number(x.at("a")));
    auto b = identity_at(vectors::number(x.at("b")));
    auto expected = vectors::text(x.at("session_key"));
    CAF_CHECK_EQUAL(key_text(derive_session_key(a, b.key()).value()), expected);
    CAF_CHECK_EQUAL(key_text(derive_session_key(b, a.key()).value()), expected);
  }
}

CAF_TEST(odd keys are taken as the reference does but low order is refused) {
  size_t refused = 0;
  for (const auto& x : vectors::section("odd_public_keys")) {
    CAF_MESSAGE(vectors::text(x.at("name")));
    auto key = vectors::id<public_key>(x.at("public_key"));
    CAF_CHECK_EQUAL(to_string(derive_device_id(key)),
                    vectors::text(x.at("device_id")));
    auto self = identity_at(vectors::number(x.at("secret_index")));
    auto derived = derive_session_key(self, key);
    // The reference goes on with a shared secret of zeros: we do not.
    if (vectors::text(x.at("shared_secret")) == std::string(64, '0')) {
      CAF_REQUIRE(!derived);
      CAF_CHECK(derived.error().code == errc::peer_misbehaved);
      ++refused;
    } else {
      CAF_REQUIRE(derived);
      CAF_CHECK_EQUAL(key_text(*derived), vectors::text(x.at("session_key")));
    }
  }
  CAF_CHECK_EQUAL(refused, 5u);
}

CAF_TEST(the hello has the bytes of the reference) {
  for (const auto& x : vectors::section("handshakes")) {
    auto self = identity_at(vectors::number(x.at("identity")));
    CAF_CHECK_EQUAL(to_hex(encode_hello(self)), vectors::text(x.at("bytes")));
    auto decoded = decode_hello(vectors::bytes(x.at("bytes")));
    CAF_REQUIRE(decoded);
    CAF_CHECK(decoded->device == self.device());
    CAF_CHECK(decoded->key == self.key());
  }
}

CAF_TEST(a hello with a stolen device id is refused) {
  auto bytes = encode_hello(identity_at(0));
  auto other = identity_at(1).device();
  std::ranges::copy(other.bytes, bytes.begin() + 1);
  auto decoded = decode_hello(bytes);
  CAF_REQUIRE(!decoded);
  CAF_CHECK(decoded.error().code == errc::peer_misbehaved);
}

CAF_TEST(a hello of another version or size is refused) {
  auto bytes = encode_hello(identity_at(0));
  CAF_CHECK(decode_hello(bytes));
  CAF_CHECK(!decode_hello(std::span{bytes}.first(48)));
  CAF_CHECK(!decode_hello({}));
  bytes[0] = 2;
  CAF_CHECK(!decode_hello(bytes));
}

CAF_TEST(a new identity is made of exactly the random bytes it was given) {
  auto self = identity::generate(
      [](std::span<uint8_t> out) { std::ranges::fill(out, uint8_t{1}); });
  CAF_CHECK(self.key() == identity_at(0).key());
}

CAF_TEST(a key file of another size is refused) {
  CAF_CHECK(!identity::from_secret(byte_buffer(31)));
  CAF_CHECK(!identity::from_secret(byte_buffer(33)));
  auto empty = identity::from_secret({});
  CAF_REQUIRE(!empty);
  CAF_CHECK(empty.error().code == errc::bad_config);
}

CAF_TEST(secrets are erased when they move on) {
  byte_buffer ones(32, 1);
  secret_bytes<32> first{std::span{ones}.first<32>()};
  secret_bytes<32> second{std::move(first)};
  auto zero = [](uint8_t x) { return x == 0; };
  CAF_CHECK(std::ranges::all_of(first.bytes(), zero));
  CAF_CHECK(std::ranges::none_of(second.bytes(), zero));
  first = std::move(second);
  CAF_CHECK(std::ranges::all_of(second.bytes(), zero));
  CAF_CHECK_EQUAL(to_hex(first.clone().bytes()), to_hex(ones));
}
