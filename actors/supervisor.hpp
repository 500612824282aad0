#pragma once

#include "actors/spawn.hpp"
#include "actors/supervision.hpp"

#include <optional>

namespace peapod {

/// The state of a supervisor.
struct supervisor_state {
  using self_pointer = supervisor_actor::stateful_pointer<supervisor_state>;

  /// A child that runs or is being stopped.
  struct child {
    child_spec spec;
    caf::strong_actor_ptr handle; ///< empty once it has ended
    uint64_t serial = 0;
    bool wanted = true; ///< false once it has ended and stays away
  };

  /// What happens once all of `stopping` have ended.
  enum class then { nothing, restart, quit };

  supervisor_state() = default;
  supervisor_state(const supervisor_state&) = delete;
  /// Ends the children that a supervisor leaves behind when it is killed.
  ~supervisor_state();

  std::string name;
  supervisor_spec spec;
  std::vector<child> children;
  std::optional<restart_budget> budget;
  std::vector<uint64_t> stopping; ///< serials; the last one stops first
  then after = then::nothing;
  caf::error quit_reason;
  uint64_t next_serial = 1;
};

/// Starts the children of `spec` in their order and keeps them as the spec
/// says. It ends with an error when restarting does not help (more than
/// `intensity` restarts in `period`), after it has stopped its children.
supervisor_actor::behavior_type supervisor(supervisor_state::self_pointer self,
                                           supervisor_spec spec);

/// Spawns a supervisor on CAF's workers.
supervisor_actor spawn_supervisor(caf::actor_system& system,
                                  supervisor_spec spec);

/// The specification of a supervisor as a child of another one; `started` is
/// told the handle each time it (re)starts.
child_spec supervisor_child(
    supervisor_spec spec,
    std::function<void(const supervisor_actor&)> started = nullptr);

} // namespace peapod
