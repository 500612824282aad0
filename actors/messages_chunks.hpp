#pragma once

#include "actors/line_probe.hpp"
#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/http_message.hpp"
#include "core/representation.hpp"
#include "core/scheduler.hpp"
#include "core/transfer.hpp"
#include "core/types.hpp"

#include <caf/actor_addr.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>
#include <optional>
#include <string>

/// What is said about the ranges of bodies: between transfers, the scheduler,
/// and who brings them.
namespace peapod {

// -- chunks -------------------------------------------------------------------

/// What a body is made of: enough for any source to ask for a part of it.
struct body_source {
  transfer_id id;
  request_head request; ///< as the client sent it, for the own line only
  representation rep;   ///< what every part must belong to
  /// In a content coding that was negotiated: who asks with nothing but the
  /// URL, as foreign peers do, may get other bytes.
  bool encoded = false;
};

/// Bring `range`; the answer goes to `sink` as `chunk_arrived` and then
/// `chunk_settled`.
struct fetch_chunk {
  lease_id lease = 0;
  std::shared_ptr<const body_source> source;
  byte_range range;
  caf::strong_actor_ptr sink; ///< a `chunk_sink_actor`
  bool for_peer = false;      ///< under the exit policy and the share's rate
  bool fresh = false;         ///< over a connection of its own
};

/// What `lease` would bring is no longer needed.
struct cancel_chunk {
  lease_id lease = 0;
  caf::strong_actor_ptr sink; ///< as in `fetch_chunk`
};

/// Parts of a chunk that follow each other, checked against its version.
struct chunk_arrived {
  lease_id lease = 0;
  device_id source;
  uint64_t offset = 0; ///< of the first byte
  slices bytes;
  bool verified = true; ///< false: only the source's word says what it is of
  unsigned status = 206;
  representation rep; ///< as the origin answered
};

/// A lease has ended: all of it arrived (`failure` is empty) or not.
struct chunk_settled {
  lease_id lease = 0;
  device_id source;
  std::optional<chunk_failure> failure;
  std::string reason; ///< in words, when it failed
  /// When a busy origin wants to be asked again, if it said so.
  std::optional<duration> retry_after = std::nullopt;
  bool spoiled = false;   ///< what has arrived of it is wrong
  bool forbidden = false; ///< refused by this device, not by the origin
};

/// The origin's head for one lease.
struct fetch_answered {
  lease_id lease = 0;
  caf::actor_addr sink; ///< leases of different sinks may share a number
  result<response_head> outcome;
};

/// The next piece of one lease's body.
struct fetch_read {
  lease_id lease = 0;
  caf::actor_addr sink;
  result<body_part> outcome;
};

/// The share's rate may allow one lease to begin, or to read on.
struct fetch_resumed {
  lease_id lease = 0;
  caf::actor_addr sink;
};

// -- own lines ----------------------------------------------------------------

/// An own line is there, or no longer.
struct line_changed {
  bool up = false;
};

/// The network may have changed: look at the lines now.
struct look_at_lines {};

/// Where a line is seen from outside, or not.
struct address_learned {
  size_t line = 0;
  unsigned round = 0; ///< of the question
  result<public_addresses> outcome;
};

// -- scheduler ----------------------------------------------------------------

/// A source is there; `handle` is a `chunk_source_actor`.
struct source_joined {
  device_id id;
  caf::strong_actor_ptr handle;
  source_traits traits;
};

/// A source has gone (or is no longer the one behind `handle`).
struct source_lost {
  device_id id;
  caf::strong_actor_ptr handle;
};

/// A body wants sources; its spine stands at `body.begin`.
struct transfer_opened {
  std::shared_ptr<const body_source> source;
  byte_range body;
  caf::strong_actor_ptr handle; ///< a `transfer_actor`
  /// How far it has come, if another scheduler looked after it before.
  std::optional<body_progress> so_far = std::nullopt;
  duration way{}; ///< how long the spine's head took
};

/// How far a transfer's spine is, and how much its client has taken.
struct transfer_advanced {
  transfer_id id;
  uint64_t spine = 0;
  uint64_t taken = 0;
};

/// The spine of a transfer has ended at this offset.
struct spine_finished {
  transfer_id id;
  uint64_t spine = 0;
};

/// A transfer needs nothing more.
struct transfer_closed {
  transfer_id id;
};

/// How far one lease has come.
struct lease_advanced {
  lease_id lease = 0;
  uint64_t upto = 0;
};

/// One lease has ended, at offset `upto`.
struct lease_ended {
  lease_id lease = 0;
  uint64_t upto = 0;
  std::optional<chunk_failure> failure;
  std::optional<duration> retry_after = std::nullopt; ///< of a busy origin
};

/// A source brought what the origin does not have; what of it was dropped is to
/// be brought by others.
struct lie_found {
  transfer_id id;
  device_id source;
  std::vector<byte_range> dropped;
};

/// Another scheduler has taken over and knows nobody yet.
struct scheduler_started {};

// -- transfer -----------------------------------------------------------------

/// The transfer's range was leased.
struct lease_granted {
  lease_id lease = 0;
  device_id source;
  byte_range range;
  bool hedge = false;
};

/// The spine need not read beyond `limit` once the own line takes over.
struct spine_switch_planned {
  uint64_t limit = 0;
};

/// Nobody can bring the rest.
struct transfer_given_up {
  std::string reason;
};

/// The outcome of reading the spine.
struct spine_read {
  result<body_part> outcome;
};

/// The client has taken `bytes` of the body.
struct body_taken {
  uint64_t bytes = 0;
};

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::fetch_chunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::cancel_chunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::chunk_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::chunk_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::fetch_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::fetch_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::fetch_resumed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::line_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::look_at_lines)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::address_learned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::source_joined)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::source_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_advanced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::spine_finished)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lease_advanced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lease_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lie_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::scheduler_started)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lease_granted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::spine_switch_planned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_given_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::spine_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::body_taken)
