#pragma once

#include "core/error.hpp"
#include "core/types.hpp"
#include "core/wire2_message.hpp"

#include <string>
#include <vector>

namespace peapod {

/// The newest protocol that this code speaks. Its handshake begins with it.
constexpr uint8_t newest_protocol = 2;

/// The longest text that names a program, in bytes.
constexpr size_t max_agent_size = 64;

/// The most protocol versions that a device names.
constexpr size_t max_versions = 8;

/// What each side of a handshake says of itself (PROTOCOL, Protocol 2,
/// Handshake). It is encrypted, and authenticated once the handshake is. Who
/// the device is does not stand in it: that follows from its key.
struct introduction {
  std::string agent;         ///< printable ASCII, as in `"peapod/0.1.0"`
  std::string name;          ///< as `clean_name` makes it
  uint32_t capabilities = 0; ///< capability bits
  /// The protocols it speaks. `newest_protocol` is one of them, else it would
  /// not be here; repeated where nobody can change it, so that a device that
  /// is offered an older one can know better.
  std::vector<uint8_t> versions{newest_protocol};
  wire2::sharing offers; ///< what it offers at the moment

  bool operator==(const introduction&) const = default;
};

/// The introduction in bincode: the fields in the order of the struct. Error:
/// `limit_reached` when one breaks its bound. A name is cleaned.
result<byte_buffer> encode_introduction(const introduction& x);

/// Bytes behind the fields are ignored, so that later versions can say more.
/// Error: `peer_misbehaved`. The name is cleaned.
result<introduction> decode_introduction(byte_buffer in);

} // namespace peapod
