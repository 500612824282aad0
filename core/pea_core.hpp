#pragma once

#include "core/chunk_map.hpp"
#include "core/error.hpp"
#include "core/types.hpp"
#include "core/wire_message.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The smallest way to use PeaPod: a host that has sockets calls these few
/// functions and does what they return (docs/API.md).
namespace peapod {

/// Bounds of a `pea_core`.
struct pea_core_options {
  uint64_t chunk_size = default_chunk_size; ///< bytes
  /// Longer bodies are not pooled here, because they are kept in memory.
  uint64_t max_body = 256_MiB;
  /// A peer is gone after so many ticks without a word of it.
  unsigned max_silent_ticks = 6;
};

/// What an HTTP client asks for, as in `Range: bytes=first-last`: `last` is the
/// last byte, not the one after it (RFC 9110, 14.1.2).
struct inclusive_range {
  uint64_t first = 0;
  uint64_t last = 0;
};

// -- what the host is to do ---------------------------------------------------

/// Send a message to a peer.
struct send_message {
  device_id to;
  wire_message message;
};

/// Fetch a range over the own internet connection. Then call
/// `on_chunk_received` or `on_chunk_failed`; with `for_peer` send a
/// `chunk_data` or a `nack` to that peer instead.
struct fetch_range {
  transfer_id transfer;
  byte_range range;
  std::string url;
  std::optional<device_id> for_peer;
};

/// A body is complete: give `body` to the client, piece by piece.
struct body_complete {
  transfer_id transfer;
  std::vector<slice> body;
};

/// A body cannot be completed.
struct transfer_failed {
  transfer_id transfer;
  error reason;
};

using core_action =
    std::variant<send_message, fetch_range, body_complete, transfer_failed>;

/// A chunk and the device that was asked for it.
struct assigned_chunk {
  byte_range range;
  device_id worker;

  bool operator==(const assigned_chunk&) const = default;
};

/// Let the request pass through as it is.
struct fall_back {};

/// Fetch the body with the pod: do `actions`, and wait for `body_complete`.
struct accelerate {
  transfer_id transfer;
  uint64_t total_length = 0; ///< bytes of the body
  std::vector<assigned_chunk> chunks;
  std::vector<core_action> actions;
};

using request_action = std::variant<fall_back, accelerate>;

// -- the core -----------------------------------------------------------------

/// Splits downloads among this device and its peers, without any I/O.
class pea_core {
public:
  /// `self` is this device; `random` makes transfer ids.
  pea_core(device_id self, random_source random, pea_core_options options = {});

  /// A client wants `url`. Falls back without a range, without a peer, for a
  /// range that is none (RFC 9110, 14.1.1) and for more than `max_body`.
  request_action on_incoming_request(const std::string& url,
                                     std::optional<inclusive_range> range);

  /// This device has fetched a range of its own; its hash is ours to compute.
  std::vector<core_action> on_chunk_received(const transfer_id& transfer,
                                             byte_range range, slice payload);

  /// This device could not fetch a range of its own.
  std::vector<core_action> on_chunk_failed(const transfer_id& transfer,
                                           byte_range range, error reason);

  /// A session with a peer is established.
  void on_peer_joined(const device_id& peer);

  /// A session has ended; what the peer has not brought goes to the others.
  std::vector<core_action> on_peer_left(const device_id& peer);

  /// A message of a peer. What unknown peers say is ignored.
  std::vector<core_action> on_message_received(const device_id& from,
                                               const wire_message& message);

  /// Call it once a second: heartbeats, and the end of silent peers.
  std::vector<core_action> tick();

  /// The client went away.
  void cancel(const transfer_id& transfer);

  /// Peers in order of their joining.
  std::vector<device_id> peers() const;

private:
  struct peer_state {
    device_id device;
    unsigned silent_ticks = 0;
  };
  struct transfer_state {
    std::string url;
    chunk_map chunks;
    std::vector<device_id> owners; ///< by chunk
  };
  using transfer_map = std::map<transfer_id, transfer_state>;

  peer_state* find_peer(const device_id& device);
  core_action ask(const transfer_id& id, const transfer_state& transfer,
                  size_t chunk) const;
  result<std::vector<core_action>> take(const transfer_id& id, byte_range range,
                                        const digest& hash, slice payload);
  std::vector<core_action> fall_back_to_self(const device_id& from,
                                             const transfer_id& id,
                                             byte_range range);
  std::vector<core_action> on_chunk_data(const device_id& from,
                                         const chunk_data& x);
  core_action serve(const device_id& from, const chunk_request& x) const;

  /// Gives what `left` still owes to this device and the other peers.
  void reassign(const device_id& left, std::vector<core_action>& out);

  device_id self_;
  random_source random_;
  pea_core_options options_;
  std::vector<peer_state> peers_;
  transfer_map transfers_;
};

} // namespace peapod
