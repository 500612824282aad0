#pragma once

#include "core/restart_policy.hpp"
#include "core/types.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What can be seen of live actors, as plain data: rows for the console, crash
/// reports, events. Times of day are the system's; spans are real time.
namespace peapod {

/// Numbers an actor; never used again in the life of the process.
using actor_number = uint64_t;

/// A time of day.
using wall_time = std::chrono::system_clock::time_point;

/// One message that an actor handled. Its payload is never shown.
struct message_record {
  wall_time time;        ///< when its handling began
  actor_number from = 0; ///< 0: a socket or a timer
  std::string from_name; ///< `io` for sockets and timers
  actor_number to = 0;
  std::string type;  ///< as in `fetch_chunk`
  uint64_t size = 0; ///< bytes of payload that it carries
  duration took{};   ///< zero when its handler threw
};

/// Whether an actor is in a handler, and for how long.
enum class activity {
  idle,
  busy,
  hanging, ///< in one handler for longer than the watchdog likes
};

/// Lower-case word for an activity.
std::string_view to_string(activity x);

/// One live actor.
struct actor_row {
  actor_number id = 0;
  std::string name;                   ///< as in `peer_session`
  std::optional<actor_number> parent; ///< nothing for the root
  std::string about;   ///< what it is about: a peer's name, a URL's host
  std::string summary; ///< its state in a few words
  restart_type restart = restart_type::permanent;
  std::optional<restart_strategy> strategy; ///< of a supervisor
  bool on_io = false; ///< runs on the thread of the sockets
  activity state = activity::idle;
  bool answered = false; ///< false: `about` and `summary` are the last known
  uint64_t mailbox = 0;  ///< messages that wait
  uint64_t mailbox_peak = 0; ///< the most that ever waited
  uint64_t handled = 0;
  double rate = 0; ///< messages a second, lately
  double load = 0; ///< share of the time in handlers, lately: 0 to 1
  duration busy{}; ///< time in handlers so far
  duration longest{};
  duration uptime{};
  unsigned restarts = 0;
  std::vector<actor_number> links;
};

/// One live actor in full.
struct actor_page {
  actor_row row;
  std::optional<std::string> data;    ///< its state as JSON, if it answered
  std::vector<message_record> recent; ///< oldest first
  std::string fault;                  ///< how it is being disturbed, or empty
};

/// An actor that ended by a failure.
struct crash_report {
  uint64_t seq = 0;
  wall_time time;
  actor_number id = 0;
  std::string name;
  std::optional<actor_number> parent;
  std::string about;
  std::string reason;
  duration uptime{};
  uint64_t handled = 0;
  std::vector<message_record> recent; ///< the one that it crashed on is last
  std::optional<std::string> data;    ///< its state as JSON
};

/// The kinds of events that people may follow.
enum class event_kind {
  spawned,
  down,
  crashed,
  restarted,
  gave_up,
  hanging,
  peer_up,
  peer_down,
  transfer_opened,
  transfer_progress,
  transfer_done,
  transfer_failed,
  transfer_replaced,
  lease_lost,
  lease_moved,
  line_shared,
  overloaded,
  peer_trusted,
  peer_untrusted,
  source_lied,
  digest_wrong,
};

/// The name of a kind, as in `peer_up`.
std::string_view to_string(event_kind x);

/// Something that happened.
struct pod_event {
  uint64_t seq = 0;
  wall_time time;
  event_kind kind = event_kind::spawned;
  std::optional<actor_number> actor;
  std::string name;     ///< of the actor
  std::string about;    ///< of the actor
  std::string text;     ///< what happened, in words
  std::string peer;     ///< a device's id, or empty
  std::string transfer; ///< a transfer's id, or empty
};

} // namespace peapod
