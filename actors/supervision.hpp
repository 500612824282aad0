#pragma once

#include "core/restart_policy.hpp"
#include "core/types.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <functional>
#include <string>
#include <vector>

/// What supervisors and those who use them say to each other (the terms are
/// OTP's).
namespace peapod {

/// How to start one child, and what to do when it ends. Data, not behaviour.
struct child_spec {
  std::string name;
  restart_type restart = restart_type::permanent;
  /// Starts the child; an empty pointer means that it could not be started.
  std::function<caf::strong_actor_ptr(caf::actor_system&)> start;
  /// How long a child may take to end before it is killed.
  duration grace = std::chrono::seconds(2);
};

/// A supervisor's rules and its children in the order of their start.
struct supervisor_spec {
  std::string name;
  restart_strategy strategy = restart_strategy::one_for_one;
  unsigned intensity = 5;                     ///< restarts allowed ...
  duration period = std::chrono::seconds(10); ///< ... in this time
  std::vector<child_spec> children;
};

/// Start another child, after those that are there.
struct start_child {
  child_spec spec;
};

/// How many children are alive?
struct count_children {};

/// The time in which a child should have ended is over.
struct grace_over {
  uint64_t child = 0;
};

/// Starts, watches, restarts and stops its children, and does nothing else.
using supervisor_actor = caf::typed_actor<
    // Start another child.
    caf::reacts_to<start_child>,
    // How many children are alive?
    caf::replies_to<count_children>::with<uint64_t>,
    // A child has had its time to end (the index is the child's serial number).
    caf::reacts_to<grace_over>>;

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::start_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::count_children)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::grace_over)
