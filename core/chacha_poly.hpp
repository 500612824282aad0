#pragma once

#include "core/types.hpp"

#include <memory>
#include <span>

namespace peapod {

/// Bytes that ChaCha20-Poly1305 adds to a message (RFC 8439, 2.8).
constexpr size_t chacha_poly_tag_size = 16;

/// ChaCha20-Poly1305 (RFC 8439) under one key with the nonces of Noise
/// (section 12.3): four zero bytes and a `u64` in little endian. A message may
/// come in pieces. Who uses it sees to it that no nonce seals twice.
///
/// The key lives in a context of OpenSSL only, which erases it at its end.
/// OpenSSL as for `sealer`: several times as fast as libsodium 1.0.18.
class chacha_poly {
public:
  explicit chacha_poly(std::span<const uint8_t, 32> key);
  ~chacha_poly();
  chacha_poly(chacha_poly&&) noexcept;
  chacha_poly& operator=(chacha_poly&&) noexcept;

  /// Begins to seal a message; an unfinished one is forgotten. `ad` is
  /// authenticated with it.
  void begin_sealing(uint64_t nonce, std::span<const uint8_t> ad = {});

  /// Begins to open a message; an unfinished one is forgotten.
  void begin_opening(uint64_t nonce, std::span<const uint8_t> ad = {});

  /// Encrypts or decrypts the next `in.size()` bytes to `out`, which may be
  /// where they are. What was decrypted means nothing before `finish_opening`.
  void update(std::span<const uint8_t> in, uint8_t* out);

  /// Writes the tag of what was sealed.
  void finish_sealing(std::span<uint8_t, chacha_poly_tag_size> tag);

  /// Whether the tag belongs to what was opened; compared in constant time.
  [[nodiscard]] bool
  finish_opening(std::span<const uint8_t, chacha_poly_tag_size> tag);

  /// Replaces the key.
  void set_key(std::span<const uint8_t, 32> key);

private:
  struct context;
  std::unique_ptr<context> context_;
};

} // namespace peapod
