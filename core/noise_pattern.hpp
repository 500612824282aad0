#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Handshake patterns of the Noise Protocol Framework, revision 34, as data.
namespace peapod::noise {

/// What a message does, in the words of Noise (sections 7.1 and 9).
enum class token { e, s, ee, es, se, ss, psk };

/// The tokens of one message, in order.
using message_pattern = std::vector<token>;

/// A handshake pattern (section 7.1). The initiator sends the first, third...
/// message, the responder the others.
struct handshake_pattern {
  std::string name; ///< with its modifiers, as in `IKpsk2`
  /// The pre-messages: whose static key the other side knows beforehand.
  bool initiator_is_known = false; ///< `-> s`
  bool responder_is_known = false; ///< `<- s`
  std::vector<message_pattern> messages;

  bool operator==(const handshake_pattern&) const = default;

  /// How many `psk` tokens it has: that many keys must be shared.
  size_t psk_count() const;
};

/// The pattern called `name`: `IK` or `XX` (section 7.5), followed by any
/// number of different modifiers `psk0`, `psk1`... joined by `+` (sections 8
/// and 9.4), as in `IKpsk2` or `XXpsk0+psk3`. Error: `not_found`.
result<handshake_pattern> find_pattern(std::string_view name);

/// The name of the protocol that speaks `pattern` with the functions that we
/// have: `Noise_IK_25519_ChaChaPoly_SHA256` (section 8).
std::string protocol_name(const handshake_pattern& pattern);

} // namespace peapod::noise
