#define CAF_SUITE noise

#include "core/noise.hpp"

#include "core/integrity.hpp"
#include "tests/core/noise_fixture.hpp"

#include <sodium.h>

#include <array>
#include <random>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::noise;

namespace {

using key_bytes = std::array<uint8_t, key_size>;

std::array<uint8_t, 12> nonce_of(uint64_t counter) {
  std::array<uint8_t, 12> out{};
  for (size_t i = 0; i < 8; ++i)
    out[4 + i] = static_cast<uint8_t>(counter >> (8 * i));
  return out;
}

/// ENCRYPT(key, nonce, ad, plain) of section 4.2 by another library.
byte_buffer sodium_seal(const key_bytes& key, uint64_t nonce,
                        const byte_buffer& ad, const byte_buffer& plain) {
  byte_buffer out(plain.size() + chacha_poly_tag_size);
  auto n = nonce_of(nonce);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(),
                                            plain.size(), ad.data(), ad.size(),
                                            nullptr, n.data(), key.data());
  return out;
}

byte_buffer seal(cipher_state& with, const byte_buffer& ad,
                 const byte_buffer& plain) {
  byte_buffer out(plain.size() + with.overhead());
  std::span<const uint8_t> all{plain};
  auto cut = plain.size() / 3;
  std::array parts{all.first(cut), all.subspan(cut)};
  CAF_REQUIRE(with.encrypt_with_ad(ad, parts, out));
  return out;
}

result<byte_buffer> open(cipher_state& with, const byte_buffer& ad,
                         const byte_buffer& sealed) {
  byte_buffer out(sealed.size() - with.overhead());
  if (auto ok = with.decrypt_with_ad(ad, sealed, out); !ok)
    return ok.error();
  return out;
}

cipher_state cipher_with(const key_bytes& key) {
  cipher_state out;
  out.initialize_key(key);
  return out;
}

struct random_bytes {
  std::mt19937_64 engine{7};

  byte_buffer operator()(size_t n) {
    byte_buffer out(n);
    for (auto& x : out)
      x = static_cast<uint8_t>(engine());
    return out;
  }
  key_bytes key() {
    key_bytes out;
    std::ranges::copy((*this)(key_size), out.begin());
    return out;
  }
};

} // namespace

CAF_TEST(the key derivation is that of RFC 5869 without info) {
  // RFC 5869, A.3; an empty salt is a key of zeros (RFC 5869, 2.2).
  key_bytes salt{};
  auto out = hkdf<2>(salt, byte_buffer(22, 0x0b));
  auto text = to_hex(out[0].bytes()) + to_hex(out[1].bytes());
  CAF_CHECK_EQUAL(text.substr(0, 84),
                  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c73"
                  "8d2d9d201395faa4b61a96c8");
  auto three = hkdf<3>(salt, byte_buffer(22, 0x0b));
  CAF_CHECK_EQUAL(to_hex(three[1].bytes()), to_hex(out[1].bytes()));
  CAF_CHECK(to_hex(three[2].bytes()) != to_hex(out[1].bytes()));
}

CAF_TEST(keys share what RFC 7748 says) {
  auto pair = [](std::string_view hex) {
    return key_pair{secret_of(from_hex(hex))};
  };
  auto alice = pair("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51d"
                    "b92c2a");
  auto bob = pair("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88"
                  "e0eb");
  CAF_CHECK_EQUAL(to_string(alice.key()),
                  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b"
                  "4e6a");
  CAF_CHECK_EQUAL(to_string(bob.key()),
                  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f88"
                  "2b4f");
  std::array both{alice.dh(bob.key()), bob.dh(alice.key())};
  for (const auto& shared : both) {
    CAF_REQUIRE(shared);
    CAF_CHECK_EQUAL(to_hex(shared->bytes()),
                    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e"
                    "161742");
  }
}

CAF_TEST(keys of low order share nothing) {
  key_pair ours{secret_of(byte_buffer(32, 5))};
  for (const auto& key : low_order_keys()) {
    auto shared = ours.dh(key);
    CAF_REQUIRE(!shared);
    CAF_CHECK(shared.error().code == errc::peer_misbehaved);
  }
}

CAF_TEST(two libraries agree on random messages with associated data) {
  random_bytes random;
  for (int round = 0; round < 200; ++round) {
    auto key = random.key();
    auto nonce = random.engine() >> 1;
    auto ad = random(round % 5 == 0 ? 0 : random.engine() % 100);
    auto plain = random(round % 7 == 0 ? 0 : random.engine() % 3000);
    auto expected = sodium_seal(key, nonce, ad, plain);
    auto sender = cipher_with(key);
    sender.set_nonce(nonce);
    CAF_CHECK(seal(sender, ad, plain) == expected);
    auto receiver = cipher_with(key);
    receiver.set_nonce(nonce);
    CAF_CHECK(open(receiver, ad, expected).value() == plain);
    CAF_CHECK_EQUAL(receiver.nonce(), nonce + 1);
  }
}

CAF_TEST(a message may be opened in two pieces cut anywhere and in place) {
  random_bytes random;
  auto key = random.key();
  auto plain = random(300);
  auto sealed = sodium_seal(key, 0, {}, plain);
  for (size_t cut = 0; cut <= plain.size(); ++cut) {
    auto cipher = cipher_with(key);
    auto bytes = sealed;
    auto text = std::span{bytes}.first(plain.size());
    CAF_REQUIRE(cipher.begin_decrypting({}));
    cipher.decrypt_next(text.first(cut), text.data());
    cipher.decrypt_next(text.subspan(cut), text.data() + cut);
    CAF_REQUIRE(cipher.finish_decrypting(
        std::span{sealed}.last<chacha_poly_tag_size>()));
    CAF_CHECK(std::ranges::equal(text, plain));
  }
}

CAF_TEST(without a key bytes pass unchanged) {
  cipher_state none;
  byte_buffer plain{1, 2, 3};
  CAF_CHECK(!none.has_key());
  CAF_CHECK(seal(none, {9}, plain) == plain);
  CAF_CHECK(open(none, {}, plain).value() == plain);
  CAF_CHECK_EQUAL(none.nonce(), 0u);
}

CAF_TEST(what does not open leaves the nonce and no plaintext) {
  random_bytes random;
  auto key = random.key();
  auto plain = random(100);
  auto sealed = sodium_seal(key, 0, {}, plain);
  auto receiver = cipher_with(key);
  for (size_t i = 0; i < sealed.size(); ++i) {
    auto bad = sealed;
    bad[i] ^= 1;
    byte_buffer out(plain.size(), 0xee);
    auto done = receiver.decrypt_with_ad({}, bad, out);
    CAF_REQUIRE(!done);
    CAF_CHECK(done.error().code == errc::integrity_failed);
    CAF_CHECK(out == byte_buffer(plain.size()));
    CAF_CHECK_EQUAL(receiver.nonce(), 0u);
  }
  byte_buffer ad{1};
  CAF_CHECK(!open(receiver, ad, sealed));
  CAF_CHECK(!receiver.decrypt_with_ad({}, byte_buffer(15), {}));
  CAF_CHECK(open(receiver, {}, sealed).value() == plain);
}

CAF_TEST(the last nonce is never used) {
  random_bytes random;
  auto cipher = cipher_with(random.key());
  cipher.set_nonce(UINT64_MAX - 1);
  CAF_CHECK(!seal(cipher, {}, {1, 2}).empty());
  CAF_CHECK_EQUAL(cipher.nonce(), UINT64_MAX);
  byte_buffer out(17);
  std::span<const uint8_t> plain{out.data(), 1};
  auto sealed = cipher.encrypt_with_ad({}, std::array{plain}, out);
  CAF_REQUIRE(!sealed);
  CAF_CHECK(sealed.error().code == errc::limit_reached);
  auto opened = cipher.decrypt_with_ad({}, out, out);
  CAF_REQUIRE(!opened);
  CAF_CHECK(opened.error().code == errc::limit_reached);
}

CAF_TEST(a new key is what the reserved nonce encrypts) {
  random_bytes random;
  auto key = random.key();
  auto cipher = cipher_with(key);
  cipher.set_nonce(41);
  seal(cipher, {}, {1});
  cipher.rekey();
  CAF_CHECK_EQUAL(cipher.nonce(), 42u);
  auto block = sodium_seal(key, UINT64_MAX, {}, byte_buffer(key_size));
  key_bytes next;
  std::copy_n(block.begin(), key_size, next.begin());
  byte_buffer plain{1, 2, 3};
  CAF_CHECK(seal(cipher, {}, plain) == sodium_seal(next, 42, {}, plain));
  // A receiver derives the same key, also right after opening something.
  auto receiver = cipher_with(key);
  CAF_CHECK(open(receiver, {}, sodium_seal(key, 0, {}, plain)));
  receiver.rekey();
  CAF_CHECK(open(receiver, {}, sodium_seal(next, 1, {}, plain)));
}

CAF_TEST(a protocol name longer than a hash is hashed) {
  std::string name(33, 'x');
  symmetric_state state{name};
  CAF_CHECK(state.handshake_hash()
            == sha256({reinterpret_cast<const uint8_t*>(name.data()), 33}));
  symmetric_state padded{"abc"};
  CAF_CHECK_EQUAL(to_string(padded.handshake_hash()),
                  "616263" + std::string(58, '0'));
}

CAF_TEST(secrets are not copied and leave nothing behind) {
  static_assert(!std::is_copy_constructible_v<secret_key>);
  static_assert(!std::is_copy_constructible_v<key_pair>);
  static_assert(!std::is_copy_constructible_v<chacha_poly>);
  static_assert(!std::is_copy_constructible_v<cipher_state>);
  static_assert(!std::is_copy_constructible_v<symmetric_state>);
  byte_buffer secret(key_size, 0xa7);
  CAF_CHECK(!leaves_behind<secret_key>(secret, secret_of(secret)));
  CAF_CHECK(!ever_has<key_pair>(secret, secret_of(secret)));
  auto from = secret_of(secret);
  auto to = std::move(from);
  CAF_CHECK_EQUAL(to_hex(from.bytes()), std::string(64, '0'));
  CAF_CHECK_EQUAL(to_hex(to.bytes()), to_hex(secret));
}
