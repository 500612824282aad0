#pragma once

#include "core/representation.hpp"
#include "core/types.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// The messages of protocol 1 (PROTOCOL-v1, Encoding) and the optional
/// extensions that our own daemons append to them (PROTOCOL-v1, Our
/// extensions).
namespace peapod {

/// The longest device name on the wire, in bytes.
constexpr size_t max_name_size = 32;

/// Trailing `"PP2"`: tells our daemons from foreign ones.
struct hello_extension {
  uint8_t highest_protocol = 1; ///< the highest protocol spoken
  uint16_t capabilities = 0;    ///< capability bits
  std::string name; ///< UTF-8 without control characters, at most 32 bytes

  bool operator==(const hello_extension&) const = default;
};

/// Trailing `"PPV"` of a `chunk_data`: what the origin answered.
struct chunk_origin {
  uint16_t status = 0;        ///< the origin's HTTP status
  representation rep;         ///< validators and length of its answer
  uint64_t origin_offset = 0; ///< offset of the payload's first byte

  bool operator==(const chunk_origin&) const = default;
};

/// Codes of a `nack_reason`.
enum class nack_code : uint16_t {
  refused = 1,
  mismatch = 2,
  unavailable = 3,
  integrity = 4,
  busy = 5,
};

/// Trailing `"PPE"` of a `nack`.
struct nack_reason {
  uint16_t code = 0;
  std::string text; ///< UTF-8

  bool operator==(const nack_reason&) const = default;
};

/// Bits of `hello_extension::capabilities`.
enum capability : uint16_t {
  capability_view = 1,    ///< answers `view_extension` questions
  capability_tunnels = 2, ///< opens tunnels (protocol 2)
  capability_unhashed = 4 ///< no range needs a hash (protocol 2)
};

/// The longest answer of a `view_extension`, in bytes.
constexpr size_t max_view_size = 256 * 1024;

/// Trailing `"PPW"` of a `join`: asks a device that has the capability for its
/// live actors, or answers. A `join` says nothing else on a connection.
struct view_extension {
  enum kind : uint8_t { question = 0, answer = 1 };

  uint8_t what = question;
  std::string text; ///< of an answer: JSON, at most `max_view_size` bytes

  bool operator==(const view_extension&) const = default;
};

/// Multicast: here is a device, and its listening port.
struct beacon {
  uint8_t protocol_version = 1;
  device_id device;
  public_key key;
  uint16_t listen_port = 0;
  std::optional<hello_extension> hello;

  bool operator==(const beacon&) const = default;
};

/// Unicast answer to a beacon.
struct discovery_response {
  uint8_t protocol_version = 1;
  device_id device;
  public_key key;
  uint16_t listen_port = 0;
  std::optional<hello_extension> hello;

  bool operator==(const discovery_response&) const = default;
};

/// A device enters the pod.
struct join {
  device_id device;
  std::optional<view_extension> view = std::nullopt;

  bool operator==(const join&) const = default;
};

/// A device leaves the pod.
struct leave {
  device_id device;

  bool operator==(const leave&) const = default;
};

/// A device is alive.
struct heartbeat {
  device_id device;
  std::optional<hello_extension> hello;

  bool operator==(const heartbeat&) const = default;
};

/// Asks a peer to fetch a range of `url`.
struct chunk_request {
  transfer_id transfer;
  byte_range range;
  std::optional<std::string> url; ///< UTF-8
  /// The representation that the range must belong to.
  std::optional<representation> expected;

  bool operator==(const chunk_request&) const = default;
};

/// A fetched range. `payload` shares the storage that it was received in.
struct chunk_data {
  transfer_id transfer;
  byte_range range;
  digest hash; ///< SHA-256 of `payload`
  slice payload;
  std::optional<chunk_origin> origin;

  bool operator==(const chunk_data& other) const;
};

/// A range that will not come.
struct nack {
  transfer_id transfer;
  byte_range range;
  std::optional<nack_reason> reason;

  bool operator==(const nack&) const = default;
};

/// Any message; the order of the alternatives is the tag on the wire.
using wire_message = std::variant<beacon, discovery_response, join, leave,
                                  heartbeat, chunk_request, chunk_data, nack>;

/// The message's name, as in `"chunk_request"`.
std::string_view name_of(const wire_message& x);

/// The longest prefix of `text` that is valid UTF-8 (RFC 3629) and at most
/// `max_size` bytes long.
std::string_view valid_utf8_prefix(std::string_view text,
                                   size_t max_size = SIZE_MAX);

/// The longest valid UTF-8 prefix of `text` that has at most `max_size` bytes,
/// each control character replaced by a space. Those of two bytes (U+0080 to
/// U+009F) are among them: terminals obey them, too.
std::string clean_text(std::string_view text, size_t max_size);

/// `text` made fit to be a device's name: `clean_text` of at most
/// `max_name_size` bytes.
std::string clean_name(std::string_view text);

} // namespace peapod
