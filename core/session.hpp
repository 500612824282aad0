#pragma once

#include "core/error.hpp"
#include "core/identity.hpp"
#include "core/seal.hpp"
#include "core/wire_codec.hpp"
#include "core/wire_message.hpp"

#include <array>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

namespace peapod {

/// Which side of a TCP connection we are.
enum class session_role {
  initiator, ///< we connected
  responder, ///< we accepted
};

/// The smallest frame limit of a session: room for every message but a chunk.
constexpr size_t min_frame_limit = 64_KiB;

/// What a session may do and what it says about us.
struct session_config {
  session_role role = session_role::initiator;
  /// Sent with the first heartbeat; without it we look like a foreign daemon.
  std::optional<hello_extension> hello;
  /// The only device that may be at the other end.
  std::optional<device_id> expected_device;
  duration handshake_timeout = std::chrono::seconds(5);
  duration heartbeat_interval = std::chrono::seconds(1);
  /// How long a peer may be silent.
  duration silence_timeout = std::chrono::seconds(6);
  /// How long one frame may take to arrive. While one does, its bytes count as
  /// signs of life, because the heartbeats queue up behind it.
  duration frame_timeout = std::chrono::seconds(60);
};

/// Write these bytes to the connection, in order.
struct write_bytes {
  std::vector<slice> bytes;
};

/// A connecting device told who it claims to be; answer with `admit`.
struct peer_identified {
  device_id device;
  public_key key;
};

/// The session can carry messages. That the peer has the key's secret is
/// proven by the first message that is `received`, not before.
struct session_established {
  device_id device;
  public_key key;
};

/// A message of the peer, authenticated with the session's key.
struct message_received {
  wire_message message;
  /// For a `chunk_data`: whether the payload has the hash that it comes with.
  bool hash_matches = true;
};

/// The session is over; close the connection. Always the last action.
struct session_closed {
  error reason;
};

using session_action =
    std::variant<write_bytes, peer_identified, session_established,
                 message_received, session_closed>;

/// One protocol-1 session over a connection (PROTOCOL-v1, Session), without the
/// connection. Whatever a peer sends ends in a message or in `session_closed`.
class session {
public:
  /// `self` must outlive the session.
  session(const identity& self, session_config config);

  /// The connection is there.
  void start(instant now);

  /// Bytes from the connection, in any portions.
  void receive(const slice& bytes, instant now);

  /// Answers `peer_identified`: `true` completes the handshake, `false` closes
  /// without a byte. Ignored at any other time.
  void admit(bool yes, instant now);

  /// Sends a message. Errors: `connection_closed` when the session is not
  /// established, `limit_reached` when the message exceeds a frame.
  result<void> send(const wire_message& x);

  /// Ends the session from our side.
  void close(error reason);

  /// Drain this after every call until it is empty.
  std::optional<session_action> poll();

  /// When to call `expire` next.
  std::optional<instant> deadline() const;

  /// Time has passed; a spurious call is harmless.
  void expire(instant now);

  /// The longest encrypted frame we take from now on, in bytes; cut to
  /// `min_frame_limit` and 16 MiB. Call it with `frame_limit_for` as long as a
  /// chunk may still arrive, also after it has been called off.
  void set_frame_limit(size_t bytes);

  bool is_established() const {
    return phase_ == phase::established;
  }
  bool is_closed() const {
    return phase_ == phase::closed;
  }

private:
  enum class phase { idle, handshake, admission, established, closed };

  void take(std::span<const uint8_t>& in, byte_buffer& into, size_t size);
  void receive_hello(std::span<const uint8_t>& in, instant now);
  void receive_frame(std::span<const uint8_t>& in, instant now);
  void finish_hello(instant now);
  void finish_frame(instant now);
  void deliver(wire_message x);
  void establish(instant now);
  void send_heartbeat(instant now);

  const identity* self_;
  session_config config_;
  phase phase_ = phase::idle;
  std::deque<session_action> actions_;
  size_t frame_limit_ = min_frame_limit;

  // What is arriving: a hello, or a frame's length and its ciphertext.
  byte_buffer header_;
  byte_buffer body_;
  size_t body_size_ = 0;

  hello peer_;
  session_key key_;
  std::optional<sealer> sealer_;
  std::optional<opener> opener_;
  bool hello_sent_ = false;
  instant handshake_deadline_{};
  instant next_heartbeat_{};
  instant last_sign_of_life_{};
  std::optional<instant> frame_started_;
};

/// The frame limit under which a chunk with `payload` bytes can arrive.
size_t frame_limit_for(uint64_t payload);

} // namespace peapod
