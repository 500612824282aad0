#pragma once

#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/exit_choice.hpp"
#include "core/types.hpp"
#include "core/wire2_message.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>
#include <optional>
#include <string>

/// What is said about tunnels: which line they leave through, and what goes
/// through them.
namespace peapod {

/// Which line is a tunnel to leave through? Answered by `exit_chosen`.
struct choose_exit {
  tunnel_wish wish; ///< its site is looked up
  /// The only line that the client wants, if it has said so.
  std::optional<device_id> wanted = std::nullopt;
};

/// The line for a tunnel.
struct exit_chosen {
  device_id line;
  /// The session with that device; null: the own line, or, if another one was
  /// wanted, there is no such line.
  caf::strong_actor_ptr session;
  /// How long it may take to connect before another line takes over.
  duration patience{};
};

/// A peer opens tunnels for us; `offers`: it does not pause.
struct exit_stands {
  device_id id;
  bool offers = true;
  caf::strong_actor_ptr session;
};

/// It does not any more.
struct exit_lost {
  device_id id;
  caf::strong_actor_ptr session;
};

/// A tunnel leaves through this line.
struct tunnel_begun {
  uint64_t tunnel = 0; ///< numbers the tunnels of this process
  device_id line;
};

/// A peer has connected a tunnel to its site.
struct exit_answered {
  device_id line;
  duration took{}; ///< from the question on
};

/// Something has come through a tunnel.
struct tunnel_moved {
  uint64_t tunnel = 0;
  uint64_t bytes = 0;
};

/// A tunnel has ended.
struct tunnel_over {
  uint64_t tunnel = 0;
};

/// A tunnel through a peer came to nothing.
struct tunnel_failed {
  tunnel_wish wish;
  device_id line;
  tunnel_failure why = tunnel_failure::peer;
};

/// Ask the peer for a tunnel; `end` is a `relay_end_actor` and learns how it
/// goes.
struct open_relay {
  uint64_t tunnel = 0;
  host_port target;
  caf::strong_actor_ptr end;
};

/// The connection to the target stands: from the exit's end to its session,
/// from the asking session to its end.
struct relay_opened {
  uint64_t tunnel = 0;
  caf::strong_actor_ptr end; ///< of the exit; else null
};

/// Bytes of a tunnel, between a session and an end.
struct relay_bytes {
  uint64_t tunnel = 0;
  slice bytes;
};

/// So many bytes of a tunnel have gone on: as many may follow.
struct relay_credit {
  uint64_t tunnel = 0;
  uint64_t bytes = 0;
};

/// Nothing more comes (`finished`), or the tunnel is no more.
struct relay_closed {
  uint64_t tunnel = 0;
  wire2::tunnel_end how = wire2::tunnel_end::reset;
  std::string detail;
  bool session_lost = false; ///< it ended with its session
};

/// One end of a tunnel is connected, or not.
struct stream_opened {
  result<std::shared_ptr<tunnel_stream>> outcome;
};

/// A peer's line is of no use for a tunnel: it has to go on over another one,
/// and nothing has come yet.
struct relay_bounced {
  uint64_t step = 0;
  bool accepted = false; ///< the client knows that the tunnel stands
  slice first;           ///< what it has sent then
  error why;
};

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::choose_exit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::exit_chosen)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::exit_stands)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::exit_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tunnel_begun)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::exit_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tunnel_moved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tunnel_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tunnel_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::open_relay)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_bytes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_credit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::stream_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_bounced)
