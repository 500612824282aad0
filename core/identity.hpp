#pragma once

#include "core/error.hpp"
#include "core/secret_memory.hpp"
#include "core/types.hpp"

#include <array>
#include <span>

namespace peapod {

/// The key of a protocol-1 session, the same in both directions.
using session_key = secret_bytes<32>;

/// SHA-256(key), first 16 bytes (PROTOCOL-v1, Identity).
device_id derive_device_id(const public_key& key);

/// A device's X25519 key pair and the id that follows from it.
class identity {
public:
  /// Makes a new one out of 32 random bytes.
  static identity generate(const random_source& random);

  /// Restores one from the 32 bytes of a key file. Error: `bad_config` when
  /// there are not exactly 32 of them.
  static result<identity> from_secret(std::span<const uint8_t> secret);

  const public_key& key() const {
    return key_;
  }
  const device_id& device() const {
    return device_;
  }

  /// The 32 bytes that belong into the key file, and nowhere else.
  std::span<const uint8_t, 32> secret() const {
    return secret_.bytes();
  }

private:
  explicit identity(secret_bytes<32> secret);

  kept_secret<32> secret_;
  public_key key_;
  device_id device_;
};

/// SHA-256("peapod-session-v1" || X25519(secret, peer)) (PROTOCOL-v1,
/// Identity). Error: `peer_misbehaved` for a key of low order, with which
/// anybody could compute the result (RFC 7748, 6.1).
result<session_key> derive_session_key(const identity& self,
                                       const public_key& peer);

// -- hello --------------------------------------------------------------------

/// Bytes of the handshake in each direction.
constexpr size_t hello_size = 49;

/// What both sides of a session say first (PROTOCOL-v1, Session).
struct hello {
  uint8_t version = 1;
  device_id device;
  public_key key;

  bool operator==(const hello&) const = default;
};

/// `version | device_id | public_key`
std::array<uint8_t, hello_size> encode_hello(const identity& self);

/// Error: `peer_misbehaved` for a wrong size, a version other than 1, or a
/// device id that is not the key's.
result<hello> decode_hello(std::span<const uint8_t> in);

} // namespace peapod
