#pragma once

#include "core/noise.hpp"
#include "core/noise_pattern.hpp"

#include <optional>
#include <vector>

namespace peapod::noise {

/// Which side of a handshake we are.
enum class role {
  initiator, ///< sends the first message
  responder,
};

/// What Initialize() of a `handshake_state` takes besides the pattern (section
/// 5.3).
struct handshake_keys {
  role side = role::initiator;
  byte_buffer prologue;         ///< what both sides must agree on
  std::optional<key_pair> s;    ///< our static key, if the pattern uses it
  std::optional<public_key> rs; ///< theirs, if the pattern says we know it
  std::vector<secret_key> psks; ///< one for each `psk` token, in order
};

/// Keys for the time after a handshake.
struct transport_keys {
  cipher_state send;
  cipher_state receive;
};

/// One side of a handshake (section 5.3). After an error it is over: every
/// further call gives an error.
class handshake_state {
public:
  /// Initialize(). `random` makes the ephemeral key when it is needed. Error:
  /// `not_allowed` when `keys` are not those that the pattern needs.
  static result<handshake_state> initialize(handshake_pattern pattern,
                                            handshake_keys keys,
                                            random_source random);

  /// Whether the next message is ours to write.
  bool is_our_turn() const;

  /// Whether all messages have been written and read.
  bool is_finished() const {
    return next_ == pattern_.messages.size();
  }

  /// WriteMessage(payload). Errors: `not_allowed` out of turn, `limit_reached`
  /// when the message would be longer than `max_message_size`,
  /// `peer_misbehaved` when their static key is of low order.
  result<byte_buffer> write_message(std::span<const uint8_t> payload);

  /// ReadMessage(message); the result is the payload. Errors: `not_allowed`
  /// out of turn, `peer_misbehaved` when the message is too short or too long
  /// or has a key of low order, `integrity_failed` when it does not
  /// authenticate.
  result<byte_buffer> read_message(std::span<const uint8_t> message);

  /// Their static key; authenticated by the pattern's rules (section 7.7).
  const std::optional<public_key>& remote_static() const {
    return keys_.rs;
  }

  /// GetHandshakeHash(): of a finished handshake, unique to it and the same on
  /// both sides (section 11.2).
  const digest& handshake_hash() const {
    return symmetric_.handshake_hash();
  }

  /// Split(). Error: `not_allowed` unless it is finished and nothing failed.
  result<transport_keys> split() const;

private:
  handshake_state(handshake_pattern pattern, handshake_keys keys,
                  random_source random);

  void mix_pre_messages();
  void mix_ephemeral(const public_key& key);
  error fail(error why);
  result<void> mix_dh(token which);
  result<void> write_token(token which, byte_buffer& out);
  result<void> read_token(token which, std::span<const uint8_t>& in);
  result<void> read_static(std::span<const uint8_t>& in);
  void mix_psk();

  handshake_pattern pattern_;
  handshake_keys keys_;
  random_source random_;
  symmetric_state symmetric_;
  std::optional<key_pair> e_;
  std::optional<public_key> re_;
  size_t next_ = 0;     ///< index of the next message
  size_t next_psk_ = 0; ///< index of the next pre-shared key
  bool failed_ = false;
};

} // namespace peapod::noise
