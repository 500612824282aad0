#pragma once

#include "core/handshake.hpp"
#include "core/records.hpp"
#include "core/session.hpp"
#include "core/wire2_codec.hpp"

#include <deque>
#include <optional>
#include <variant>

namespace peapod {

/// The byte with which a connector asks for the acceptor's public key, to be
/// answered with its 32 bytes. What comes after the answer is a handshake.
constexpr uint8_t key_question = '?';

/// What a session of protocol 2 may do and what it says about us.
struct secure_session_config {
  session_role role = session_role::initiator;
  introduction self;
  /// Whose connection it is. An initiator that does not know asks whoever
  /// answers; that answer is worth no more than a beacon.
  std::optional<public_key> responder_key;
  /// The only device that an initiator who asks takes for an answer.
  std::optional<device_id> expected_device;
  noise::secret_key psk; ///< 32 zero bytes when there is none
  /// For the question and for the handshake, each.
  duration handshake_timeout = std::chrono::seconds(5);
  /// After so long without a word of ours a Ping goes out.
  duration keepalive_interval = std::chrono::seconds(1);
  /// How long a peer may be silent.
  duration silence_timeout = std::chrono::seconds(6);
  /// How long one record may take to arrive.
  duration record_timeout = std::chrono::seconds(60);
};

/// The handshake is complete and the peer has proven to take part now.
struct secure_established {
  peer_introduction peer;
  digest hash; ///< of the handshake, for a pairing
};

/// A message of the peer. Ping and Pong are not among them.
struct secure_received {
  wire2::message message;
};

/// `write_bytes`, `peer_identified` and `session_closed` as of a `session`.
using secure_action =
    std::variant<write_bytes, peer_identified, secure_established,
                 secure_received, session_closed>;

/// One session of protocol 2 over a connection (PROTOCOL, Protocol 2), without
/// the connection: the handshake, then messages in records. Whatever a peer
/// sends ends in a message or in `session_closed`.
class secure_session {
public:
  /// `self` must outlive the session. `random` makes the ephemeral key.
  secure_session(const identity& self, secure_session_config config,
                 random_source random);

  /// The connection is there.
  void start(instant now);

  /// Bytes from the connection, in any portions.
  void receive(const slice& bytes, instant now);

  /// Answers `peer_identified`: `true` completes the handshake, `false` closes
  /// without a byte. Ignored at any other time.
  void admit(bool yes);

  /// Sends a message. Errors: `connection_closed` when the session is not
  /// established, `limit_reached` when the message breaks a bound.
  result<void> send(const wire2::message& x);

  /// Ends the session from our side.
  void close(error reason);

  /// Drain this after every call until it is empty.
  std::optional<secure_action> poll();

  /// When to call `expire` next.
  std::optional<instant> deadline() const;

  /// Time has passed; a spurious call is harmless.
  void expire(instant now);

  /// Time from the last Ping that was answered to its Pong.
  std::optional<duration> round_trip() const {
    return round_trip_;
  }

  bool is_established() const {
    return phase_ == phase::established;
  }
  bool is_closed() const {
    return phase_ == phase::closed;
  }

private:
  enum class phase {
    idle,
    question,    ///< we have asked for the key
    handshake,   ///< up to its last message
    unconfirmed, ///< the first record is missing
    established,
    closed,
  };

  void begin_handshake(instant now);
  void receive_key(std::span<const uint8_t>& in, instant now);
  void answer_question(std::span<const uint8_t>& in);
  void receive_record(std::span<const uint8_t>& in, instant now);
  void take_record(const slice& text, instant now);
  void deliver(wire2::message x, instant now);
  void pump_handshake(instant now);
  void ping(instant now);

  const identity* self_;
  secure_session_config config_;
  random_source random_;
  phase phase_ = phase::idle;
  std::deque<secure_action> actions_;
  std::optional<handshake> handshake_;
  byte_buffer key_; ///< what has come of the answer
  bool question_answered_ = false;
  std::optional<handshake_completed> completed_;
  std::optional<record_sealer> sealer_;
  std::optional<record_opener> opener_;
  instant question_deadline_{};
  instant spoke_{};
  instant heard_{};
  bool said_something_ = false; ///< since the last look at the clock
  std::optional<instant> record_started_;
  size_t pongs_ = 0; ///< since the last look at the clock
  uint64_t next_token_ = 1;
  std::optional<instant> pinged_; ///< when the Ping of `next_token_` - 1 left
  std::optional<duration> round_trip_;
};

} // namespace peapod
