#pragma once

#include "core/error.hpp"
#include "core/identity.hpp"
#include "core/types.hpp"

#include <initializer_list>
#include <memory>
#include <span>

/// ChaCha20-Poly1305 (RFC 8439) with the nonces of protocol 1: four zero bytes
/// and a `u64` LE counter that starts at 0 in each direction (PROTOCOL-v1,
/// Session).
namespace peapod {

/// Bytes that sealing adds behind the ciphertext.
constexpr size_t seal_tag_size = 16;

/// Seals messages one after another, each with the next nonce.
class sealer {
public:
  explicit sealer(const session_key& key, uint64_t first_nonce = 0);
  ~sealer();
  sealer(sealer&&) noexcept;
  sealer& operator=(sealer&&) noexcept;

  /// Seals the concatenation of `parts` into one record,
  /// `u32 LE length | ciphertext | tag`. Error: `limit_reached` when the
  /// length would exceed 16 MiB, or all nonces are used up; no nonce is spent.
  result<slice> seal(std::span<const std::span<const uint8_t>> parts);

  /// Shorthand for a fixed number of parts.
  result<slice> seal(std::initializer_list<std::span<const uint8_t>> parts) {
    return seal(std::span{parts.begin(), parts.size()});
  }

private:
  struct context;
  std::unique_ptr<context> context_;
};

/// Opens what the other side sealed, in the same order.
class opener {
public:
  explicit opener(const session_key& key, uint64_t first_nonce = 0);
  ~opener();
  opener(opener&&) noexcept;
  opener& operator=(opener&&) noexcept;

  /// Decrypts `record` (ciphertext and tag, without the length) in place; the
  /// result is the plaintext in front of the tag. Error: `integrity_failed`;
  /// then the bytes of `record` mean nothing, and the session is over.
  result<std::span<uint8_t>> open(std::span<uint8_t> record);

private:
  struct context;
  std::unique_ptr<context> context_;
};

} // namespace peapod
