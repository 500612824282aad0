#include "core/noise.hpp"

#include "core/integrity.hpp"

#include <sodium.h>

#include <algorithm>
#include <limits>

namespace peapod::noise {

namespace {

using bytes_view = std::span<const uint8_t>;

/// The nonce that REKEY uses and no message may have (section 5.1).
constexpr uint64_t reserved_nonce = std::numeric_limits<uint64_t>::max();

error not_authentic() {
  return make_error(errc::integrity_failed, "a message does not authenticate");
}

bytes_view as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// HMAC-SHA256 (RFC 2104) whose state is erased.
class hmac {
public:
  explicit hmac(std::span<const uint8_t, key_size> key) {
    crypto_auth_hmacsha256_init(&state_, key.data(), key.size());
  }
  ~hmac() {
    sodium_memzero(&state_, sizeof(state_));
  }
  hmac(const hmac&) = delete;
  hmac& operator=(const hmac&) = delete;

  hmac& update(bytes_view data) {
    crypto_auth_hmacsha256_update(&state_, data.data(), data.size());
    return *this;
  }

  secret_key finish() {
    secret_key out;
    crypto_auth_hmacsha256_final(&state_, out.bytes().data());
    return out;
  }

private:
  crypto_auth_hmacsha256_state state_;
};

} // namespace

// -- functions ----------------------------------------------------------------

template <size_t Outputs>
std::array<secret_key, Outputs>
hkdf(std::span<const uint8_t, key_size> chaining_key,
     bytes_view input_key_material) {
  std::array<secret_key, Outputs> out;
  auto temp_key = hmac{chaining_key}.update(input_key_material).finish();
  bytes_view previous;
  for (size_t i = 0; i < Outputs; ++i) {
    auto counter = static_cast<uint8_t>(i + 1);
    out[i] =
        hmac{temp_key.bytes()}.update(previous).update({&counter, 1}).finish();
    previous = out[i].bytes();
  }
  return out;
}

template std::array<secret_key, 2> hkdf<2>(std::span<const uint8_t, key_size>,
                                           bytes_view);
template std::array<secret_key, 3> hkdf<3>(std::span<const uint8_t, key_size>,
                                           bytes_view);

key_pair key_pair::generate(const random_source& random) {
  secret_key secret;
  random(secret.bytes());
  return key_pair{std::move(secret)};
}

key_pair::key_pair(secret_key secret) : secret_(secret.bytes()) {
  // Lets libsodium choose the fast X25519 of this machine.
  static const int ready = sodium_init();
  static_cast<void>(ready);
  crypto_scalarmult_curve25519_base(key_.bytes.data(), secret_.bytes().data());
}

result<secret_key> key_pair::dh(const public_key& peer) const {
  secret_key out;
  // Non-zero when the product is zero.
  if (crypto_scalarmult_curve25519(out.bytes().data(), secret_.bytes().data(),
                                   peer.bytes.data())
      != 0)
    return make_error(errc::peer_misbehaved,
                      "the peer's public key is one that shares no secret");
  return out;
}

// -- CipherState --------------------------------------------------------------

void cipher_state::initialize_key(std::span<const uint8_t, key_size> key) {
  if (aead_)
    aead_->set_key(key);
  else
    aead_.emplace(key);
  nonce_ = 0;
}

result<void> cipher_state::check_nonce() const {
  if (nonce_ == reserved_nonce)
    return make_error(errc::limit_reached, "the nonces of a key are used up");
  return {};
}

result<void> cipher_state::encrypt_with_ad(bytes_view ad,
                                           std::span<const bytes_view> parts,
                                           std::span<uint8_t> out) {
  auto* pos = out.data();
  if (!has_key()) {
    for (auto part : parts)
      pos = std::ranges::copy(part, pos).out;
    return {};
  }
  if (auto ok = check_nonce(); !ok)
    return ok;
  aead_->begin_sealing(nonce_, ad);
  for (auto part : parts) {
    aead_->update(part, pos);
    pos += part.size();
  }
  aead_->finish_sealing(
      std::span<uint8_t, chacha_poly_tag_size>{pos, chacha_poly_tag_size});
  ++nonce_;
  return {};
}

result<void> cipher_state::decrypt_with_ad(bytes_view ad, bytes_view in,
                                           std::span<uint8_t> out) {
  if (!has_key()) {
    std::ranges::copy(in, out.begin());
    return {};
  }
  if (in.size() < overhead())
    return not_authentic();
  if (auto ok = begin_decrypting(ad); !ok)
    return ok;
  auto text = in.first(in.size() - overhead());
  decrypt_next(text, out.data());
  auto done = finish_decrypting(in.last<chacha_poly_tag_size>());
  if (!done)
    erase_secret(out.first(text.size()));
  return done;
}

result<void> cipher_state::begin_decrypting(bytes_view ad) {
  if (auto ok = check_nonce(); !ok)
    return ok;
  aead_->begin_opening(nonce_, ad);
  return {};
}

void cipher_state::decrypt_next(bytes_view in, uint8_t* out) {
  aead_->update(in, out);
}

result<void> cipher_state::finish_decrypting(
    std::span<const uint8_t, chacha_poly_tag_size> tag) {
  if (!aead_->finish_opening(tag))
    return not_authentic();
  ++nonce_;
  return {};
}

void cipher_state::rekey() {
  // The first 32 bytes of ENCRYPT(k, maxnonce, zerolen, zeros).
  secret_key key;
  aead_->begin_sealing(reserved_nonce);
  aead_->update(key.bytes(), key.bytes().data());
  aead_->set_key(key.bytes());
}

// -- SymmetricState -----------------------------------------------------------

symmetric_state::symmetric_state(std::string_view protocol_name) {
  if (protocol_name.size() <= h_.bytes.size())
    std::ranges::copy(as_bytes(protocol_name), h_.bytes.begin());
  else
    h_ = sha256(as_bytes(protocol_name));
  ck_ = secret_key{std::span<const uint8_t, key_size>{h_.bytes}};
}

void symmetric_state::mix_key(bytes_view input_key_material) {
  auto [ck, temp_k] = hkdf<2>(ck_.bytes(), input_key_material);
  ck_ = std::move(ck);
  cipher_.initialize_key(temp_k.bytes());
}

void symmetric_state::mix_hash(bytes_view data) {
  sha256_hasher hasher;
  hasher.update(h_.bytes);
  hasher.update(data);
  h_ = hasher.finish();
}

void symmetric_state::mix_key_and_hash(bytes_view input_key_material) {
  auto [ck, temp_h, temp_k] = hkdf<3>(ck_.bytes(), input_key_material);
  ck_ = std::move(ck);
  mix_hash(temp_h.bytes());
  cipher_.initialize_key(temp_k.bytes());
}

result<void> symmetric_state::encrypt_and_hash(bytes_view plaintext,
                                               byte_buffer& out) {
  auto start = out.size();
  out.resize(start + plaintext.size() + cipher_.overhead());
  auto ciphertext = std::span{out}.subspan(start);
  auto done =
      cipher_.encrypt_with_ad(h_.bytes, std::array{plaintext}, ciphertext);
  if (done)
    mix_hash(ciphertext);
  return done;
}

result<byte_buffer> symmetric_state::decrypt_and_hash(bytes_view ciphertext) {
  byte_buffer out(ciphertext.size() - cipher_.overhead());
  if (auto done = cipher_.decrypt_with_ad(h_.bytes, ciphertext, out); !done)
    return done.error();
  mix_hash(ciphertext);
  return out;
}

std::array<cipher_state, 2> symmetric_state::split() const {
  auto keys = hkdf<2>(ck_.bytes(), {});
  std::array<cipher_state, 2> out;
  out[0].initialize_key(keys[0].bytes());
  out[1].initialize_key(keys[1].bytes());
  return out;
}

} // namespace peapod::noise
