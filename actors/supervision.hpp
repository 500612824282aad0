#pragma once

#include "core/restart_policy.hpp"
#include "core/types.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What supervisors and those who use them say to each other (the terms are
/// OTP's).
namespace peapod {

/// How to start one child, and what to do when it ends. Data, not behaviour.
struct child_spec {
  /// Starts the child; an empty pointer means that it could not be started.
  using start_function =
      std::function<caf::strong_actor_ptr(caf::actor_system&)>;

  std::string name;
  restart_type restart = restart_type::permanent;
  start_function start;
  /// How long a child may take to end before it is killed.
  duration grace = std::chrono::seconds(2);
  /// What a child that is a supervisor does; for those who look.
  std::optional<restart_strategy> strategy = std::nullopt;
};

/// A supervisor's rules and its children in the order of their start.
struct supervisor_spec {
  std::string name;
  restart_strategy strategy = restart_strategy::one_for_one;
  unsigned intensity = 5;                     ///< restarts allowed ...
  duration period = std::chrono::seconds(10); ///< ... in this time
  /// The wait before the second restart in a row of one child; the first is
  /// immediate, each later one waits twice as long, up to `max_backoff`.
  duration first_backoff = std::chrono::milliseconds(100);
  duration max_backoff = std::chrono::seconds(5);
  /// The children; with `simple_one_for_one`, the one template of them all,
  /// none of which is started at first.
  std::vector<child_spec> children;
};

/// Start another child, after those that are there. Under `simple_one_for_one`
/// only `spec.start` is used; the template says the rest.
struct start_child {
  child_spec spec;
};

/// Stop the permanent or transient child with this actor number, and whom the
/// strategy stops with it, and start them anew. Does not count as a failure.
struct restart_child {
  uint64_t actor = 0;
};

/// How many children are alive?
struct count_children {};

/// The time in which a child should have ended is over.
struct grace_over {
  uint64_t child = 0; ///< its serial number; 0: all that are being stopped
};

/// The wait before a restart is over.
struct restart_due {
  uint64_t generation = 0; ///< answers to older waits are stale
};

/// Starts, watches, restarts and stops its children, and does nothing else.
using supervisor_actor = caf::typed_actor<
    // Start another child.
    caf::reacts_to<start_child>,
    // Stop one and start it anew.
    caf::reacts_to<restart_child>,
    // How many children are alive?
    caf::replies_to<count_children>::with<uint64_t>,
    // A child has had its time to end.
    caf::reacts_to<grace_over>,
    // A restart has waited long enough.
    caf::reacts_to<restart_due>>;

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::start_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::restart_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::count_children)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::grace_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::restart_due)
