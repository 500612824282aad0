#pragma once

#include "core/error.hpp"
#include "core/identity.hpp"
#include "core/introduction.hpp"
#include "core/noise_handshake.hpp"
#include "core/types.hpp"

#include <deque>
#include <optional>
#include <variant>

namespace peapod {

/// The longest message of a handshake that we read, in bytes: ours have less
/// than 400, the rest is for what later versions say. Bounds the memory that a
/// stranger can take.
constexpr size_t max_handshake_message = 1024;

/// How a handshake is done.
struct handshake_config {
  noise::role role = noise::role::initiator;
  introduction self; ///< what we say of ourselves
  /// Whose connection it is; needed by an initiator, and by nobody else.
  std::optional<public_key> responder_key;
  /// The pre-shared key: 32 zero bytes when there is none.
  noise::secret_key psk;
  /// From `start` until both sides have proven everything.
  duration timeout = std::chrono::seconds(5);
};

/// Who is at the other end.
struct peer_introduction {
  device_id device; ///< computed from `key`
  public_key key;   ///< authenticated
  introduction said;
};

/// Write these bytes to the connection.
struct handshake_bytes {
  slice bytes;
};

/// Somebody wants to connect; answer with `handshake::admit`. It has the
/// secret of its key, or is a replay of somebody who had: nothing else is
/// proven yet, the pre-shared key least of all.
struct handshake_asked {
  peer_introduction peer;
};

/// All messages are written and read. Records can be sent, and received ones
/// opened; bytes of the connection that `receive` left are the first of them.
struct handshake_completed {
  peer_introduction peer;
  noise::transport_keys keys;
  digest hash; ///< unique to the handshake and the same on both sides
};

/// The peer has proven that it takes part now, and that it knows the
/// pre-shared key. Only from here on is it connected, or replaces anything.
struct peer_confirmed {
  device_id device;
};

/// The handshake failed; close the connection. Always the last action.
struct handshake_failed {
  error reason;
};

using handshake_action =
    std::variant<handshake_bytes, handshake_asked, handshake_completed,
                 peer_confirmed, handshake_failed>;

/// The handshake of protocol 2, Noise_IKpsk2_25519_ChaChaPoly_SHA256 (PROTOCOL,
/// Protocol 2, Handshake), without the connection.
///
///     initiator                                   responder
///     2 | length | e, es, s, ss, introduction  ->  asked; admit
///     completed, confirmed  <-  length | e, ee, se, psk, introduction
///     first record                             ->  record_opened: confirmed
///
/// The deadline runs on both sides until the peer is confirmed.
class handshake {
public:
  /// `self` must outlive the handshake. `random` makes the ephemeral key.
  handshake(const identity& self, handshake_config config,
            random_source random);

  /// The connection is there.
  void start(instant now);

  /// Bytes from the connection, in any portions. What belongs to the handshake
  /// is removed from `in`; what is left after `handshake_completed` are
  /// records.
  void receive(std::span<const uint8_t>& in, instant now);

  /// Answers `handshake_asked`: `true` completes the handshake, `false` closes
  /// without a byte. Ignored at any other time.
  void admit(bool yes);

  /// The first record of the peer has opened. Ignored at any other time.
  void record_opened();

  /// Ends the handshake from our side.
  void close(error reason);

  /// Drain this after every call until it is empty.
  std::optional<handshake_action> poll();

  /// When to call `expire`.
  std::optional<instant> deadline() const;

  /// Time has passed; a spurious call is harmless.
  void expire(instant now);

private:
  enum class phase { idle, first, admission, second, unconfirmed, over };

  void write(std::span<const uint8_t> prefix);
  bool read_version(std::span<const uint8_t>& in);
  void read_message(std::span<const uint8_t>& in);
  void finish_message();
  void take_introduction(byte_buffer payload);
  void complete();
  void confirm();

  const identity* self_;
  handshake_config config_;
  random_source random_;
  phase phase_ = phase::idle;
  std::deque<handshake_action> actions_;
  std::optional<instant> deadline_;
  std::optional<noise::handshake_state> noise_;
  std::optional<peer_introduction> peer_;

  // The message that is arriving.
  bool version_read_ = false;
  byte_buffer length_;
  byte_buffer message_;
};

} // namespace peapod
