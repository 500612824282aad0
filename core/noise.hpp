#pragma once

#include "core/chacha_poly.hpp"
#include "core/error.hpp"
#include "core/identity.hpp"
#include "core/types.hpp"

#include <array>
#include <optional>
#include <span>
#include <string_view>

/// The Noise Protocol Framework, revision 34, for 25519, ChaChaPoly and SHA256
/// (sections 12.1, 12.3 and 12.5). Names and section numbers are those of its
/// specification.
///
/// Secrets are in memory that is erased; nothing that holds one can be copied.
namespace peapod::noise {

/// The longest message of Noise, in bytes (section 3).
constexpr size_t max_message_size = 65'535;

/// DHLEN and HASHLEN: bytes of a key and of a hash (section 4).
constexpr size_t key_size = 32;

/// A symmetric key, or a pre-shared one.
using secret_key = secret_bytes<key_size>;

// -- functions ----------------------------------------------------------------

/// HKDF(chaining_key, input_key_material, `Outputs`) (section 4.3), which is
/// that of RFC 5869 with an empty `info`.
template <size_t Outputs>
std::array<secret_key, Outputs>
hkdf(std::span<const uint8_t, key_size> chaining_key,
     std::span<const uint8_t> input_key_material);

/// An X25519 key pair (section 12.1).
class key_pair {
public:
  /// GENERATE_KEYPAIR() out of 32 random bytes.
  static key_pair generate(const random_source& random);

  explicit key_pair(secret_key secret);

  const public_key& key() const {
    return key_;
  }

  /// DH(this, peer). Error: `peer_misbehaved` when the result is zero, so that
  /// anybody could know it: `peer` is a key of low order (RFC 7748, 6.1).
  result<secret_key> dh(const public_key& peer) const;

private:
  kept_secret<key_size> secret_;
  public_key key_;
};

// -- CipherState --------------------------------------------------------------

/// A key and the next nonce (section 5.1). Without a key, bytes pass unchanged.
class cipher_state {
public:
  cipher_state() = default;

  /// InitializeKey(key): nonces start at 0.
  void initialize_key(std::span<const uint8_t, key_size> key);

  bool has_key() const {
    return aead_.has_value();
  }

  /// The nonce of the next message: how many there were, unless it was set.
  uint64_t nonce() const {
    return nonce_;
  }
  void set_nonce(uint64_t nonce) {
    nonce_ = nonce;
  }

  /// Bytes that a message grows by.
  size_t overhead() const {
    return has_key() ? chacha_poly_tag_size : 0;
  }

  /// EncryptWithAd(ad, parts in sequence) to `out`, which has room for all of
  /// them and the `overhead`. Errors: `limit_reached` when the nonces are used
  /// up; nothing was written then.
  result<void> encrypt_with_ad(std::span<const uint8_t> ad,
                               std::span<const std::span<const uint8_t>> parts,
                               std::span<uint8_t> out);

  /// DecryptWithAd(ad, in) to `out`, which has room for `in` without the
  /// `overhead` and may be where `in` is. Errors: `integrity_failed`, then
  /// `out` is zeroed and the nonce stays; `limit_reached` when the nonces are
  /// used up.
  result<void> decrypt_with_ad(std::span<const uint8_t> ad,
                               std::span<const uint8_t> in,
                               std::span<uint8_t> out);

  // DecryptWithAd of a message that comes in pieces; needs a key.

  /// Error: `limit_reached` when the nonces are used up.
  result<void> begin_decrypting(std::span<const uint8_t> ad);

  /// Decrypts the next `in.size()` bytes to `out`. They mean nothing, and must
  /// not be looked at, before `finish_decrypting`.
  void decrypt_next(std::span<const uint8_t> in, uint8_t* out);

  /// Checks the tag. Error: `integrity_failed`; the nonce stays then.
  result<void>
  finish_decrypting(std::span<const uint8_t, chacha_poly_tag_size> tag);

  /// Rekey(): the key becomes REKEY(key) (section 4.2), the nonce stays. Needs
  /// a key.
  void rekey();

private:
  result<void> check_nonce() const;

  std::optional<chacha_poly> aead_;
  uint64_t nonce_ = 0;
};

// -- SymmetricState -----------------------------------------------------------

/// The keys and hashes of a handshake (section 5.2).
class symmetric_state {
public:
  /// InitializeSymmetric(protocol_name)
  explicit symmetric_state(std::string_view protocol_name);

  void mix_key(std::span<const uint8_t> input_key_material);
  void mix_hash(std::span<const uint8_t> data);
  void mix_key_and_hash(std::span<const uint8_t> input_key_material);

  /// GetHandshakeHash()
  const digest& handshake_hash() const {
    return h_;
  }

  bool has_key() const {
    return cipher_.has_key();
  }

  /// Bytes that `encrypt_and_hash` adds.
  size_t overhead() const {
    return cipher_.overhead();
  }

  /// EncryptAndHash(plaintext); the result is appended to `out`.
  result<void> encrypt_and_hash(std::span<const uint8_t> plaintext,
                                byte_buffer& out);

  /// DecryptAndHash(ciphertext); `ciphertext` has at least `overhead` bytes.
  /// Error: `integrity_failed`.
  result<byte_buffer> decrypt_and_hash(std::span<const uint8_t> ciphertext);

  /// Split(): the initiator sends with the first one, the responder with the
  /// second.
  std::array<cipher_state, 2> split() const;

private:
  secret_key ck_;
  digest h_;
  cipher_state cipher_;
};

} // namespace peapod::noise
