#pragma once

#include "actors/ports.hpp"
#include "core/egress_map.hpp"
#include "core/error.hpp"
#include "core/pairing.hpp"
#include "core/roster.hpp"
#include "core/types.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What is said about other devices: how they are found, dialled, let in, and
/// what their sessions do.
namespace peapod {

/// A peer has connected to us, or the acceptor failed.
struct peer_accepted {
  result<std::shared_ptr<byte_stream>> outcome;
};

/// Bytes from a peer, or the end of its connection.
struct stream_read {
  result<slice> outcome;
};

/// Bytes to a peer have gone, or not.
struct stream_written {
  result<void> outcome;
};

/// A datagram of the discovery group.
struct datagram_received {
  result<datagram> outcome;
};

/// A beacon or an answer to one was heard.
struct beacon_heard {
  roster::sighting who;
  endpoint from;            ///< where the datagram came from
  bool wants_reply = false; ///< it was a beacon, not an answer
};

/// It is time to announce this device, unless the roster minds.
struct announcement_due {};

/// Announce this device to the group, or answer one device.
struct send_beacon {
  std::optional<endpoint> to;
};

/// Announce this device as at the start: it is somewhere else now.
struct announce_anew {};

/// This device's networks have changed, or it was asleep.
struct network_changed {
  result<network_change> outcome;
};

/// A connection to a peer was made, or not.
struct peer_dialled {
  roster::dial what;
  result<std::shared_ptr<byte_stream>> outcome;
};

/// A responder has read who wants to talk; answered by `admission`.
struct admission_requested {
  device_id id;
  public_key key;
  bool secure = false; ///< by protocol 2
  endpoint remote;
  caf::strong_actor_ptr session;
};

/// Whether to go on with a session.
struct admission {
  bool admitted = false;
};

/// A session stands: the peer has proven its key by its first message.
struct session_opened {
  uint64_t connection = 0; ///< numbers connections of this process
  device_id id;
  public_key key;
  std::optional<roster::dial> dialled; ///< how we reached it, if we did
  endpoint remote;
  std::string local; ///< our address on the connection
  std::string name;
  bool foreign = false;
  bool secure = false;  ///< protocol 2
  bool tunnels = false; ///< it opens tunnels
  caf::strong_actor_ptr session;
};

/// Whether the peer of a session belongs to our pod.
struct trust_decided {
  bool trusted = false;
};

/// Both sides of a session want each other.
struct session_ready {
  uint64_t connection = 0;
};

/// Whether the peer of a session brings anything at the moment, as it says.
struct sharing_told {
  uint64_t connection = 0;
  bool on = true;
  bool metered = false; ///< its line is paid for by the byte
};

/// Where the lines of a session's peer leave for the internet.
struct egress_told {
  uint64_t connection = 0;
  std::vector<egress_tags> lines;
};

/// A session waits until people have compared this code.
struct session_waiting {
  uint64_t connection = 0;
  pairing_code code;
};

/// A session has ended, or a connection has not become one.
struct session_ended {
  uint64_t connection = 0;
  std::optional<device_id> id; ///< nothing when it never stood
  std::optional<roster::dial> dialled;
  bool left = false; ///< the peer said that it leaves
  error why;
};

/// End the session.
struct drop_session {
  std::string reason;
  wire2::goodbye_reason how = wire2::goodbye_reason::refused;
};

/// What one member of the pod shows of its actors.
struct member_view {
  device_id id;
  std::string name;
  result<std::string> actors; ///< JSON, from another device: not to be trusted
};

/// Ask the peer for its live actors; `done` is called once, from any thread.
struct ask_view {
  std::function<void(member_view)> done;
};

/// Our own live actors, for the peer that has asked, as JSON.
struct view_ready {
  std::string text;
};

/// Take note that a device gets nothing to do until then.
struct source_set_aside {
  device_id id;
  instant until;
};

/// Take note that a device shares a bottleneck with another source; without
/// `with`, no more.
struct line_shared {
  device_id id;
  std::optional<device_id> with;
};

/// What a session has carried so far, for status.
struct session_reported {
  device_id id;
  uint64_t bytes_from = 0; ///< payload it brought to us
  uint64_t bytes_to = 0;   ///< payload we brought to it
};

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::peer_accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::stream_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::stream_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::datagram_received)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::beacon_heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::announcement_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::send_beacon)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::announce_anew)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::network_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::peer_dialled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::admission_requested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::admission)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::trust_decided)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::sharing_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::egress_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_waiting)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::drop_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::ask_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::view_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::source_set_aside)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::line_shared)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_reported)
