#pragma once

#include <cstdint>
#include <span>

/// What can be told of TLS from outside (RFC 8446, 5.1): the headers of its
/// records, until they are encrypted the types of its messages.
namespace peapod {

/// What the first bytes of a client are.
enum class opening {
  unknown, ///< too few
  hello,   ///< a TLS ClientHello, or the beginning of one
  other,   ///< anything else: may be plain text
};

opening opening_of(std::span<const uint8_t> bytes);

/// Whether what a client has sent may be sent to its server once more, over
/// another connection, without the client's knowledge: only a handshake that
/// the server has not answered. Early data (RFC 8446, 2.3) is none.
bool may_be_replayed(std::span<const uint8_t> bytes);

/// Whether all that a server has said is that it does not want: an alert
/// (RFC 8446, 6), and nothing else.
bool is_alert_only(std::span<const uint8_t> bytes);

} // namespace peapod
