#pragma once

#include "actors/spawn.hpp"
#include "actors/supervision.hpp"

#include <optional>

namespace peapod {

/// The state of a supervisor.
struct supervisor_state {
  using self_pointer = supervisor_actor::stateful_pointer<supervisor_state>;

  /// A child that runs, is being stopped or waits to be started.
  struct child {
    child_spec spec;
    restart_backoff backoff;
    caf::strong_actor_ptr handle; ///< empty once it has ended
    uint64_t actor = 0;           ///< number of its latest incarnation
    uint64_t serial = 0;          ///< tells incarnations apart
    unsigned restarts = 0;
    bool wanted = true; ///< false once it has ended and stays away
  };

  /// What happens once all of `stopping` have ended.
  enum class then { nothing, restart, quit };

  supervisor_state() = default;
  supervisor_state(const supervisor_state&) = delete;
  /// Ends the children that a supervisor leaves behind when it is killed.
  ~supervisor_state();

  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "supervisor";
  spawn_place place;
  supervisor_spec spec; ///< its `children` only as a template
  std::vector<child> children;
  std::optional<restart_budget> budget;
  std::vector<uint64_t> stopping; ///< serials; the last one stops first
  then after = then::nothing;
  caf::error quit_reason;
  duration wait = duration::zero(); ///< before the restart under way
  bool waiting = false;
  uint64_t generation = 0; ///< of the latest wait
  uint64_t next_serial = 1;
  bool started = false; ///< all first children have been started once
};

/// Starts the children of `spec` in their order and keeps them as the spec
/// says. It ends with an error when restarting does not help (more than
/// `intensity` restarts in `period`), after it has stopped its children.
supervisor_actor::behavior_type supervisor(supervisor_state::self_pointer self,
                                           spawn_place place,
                                           supervisor_spec spec);

/// Spawns a supervisor in `place`. Its children are looked after in
/// `place.live`.
supervisor_actor spawn_supervisor(const spawn_place& place,
                                  supervisor_spec spec);

/// The specification of a supervisor as a child of another one; `started` is
/// told the handle each time it (re)starts.
child_spec supervisor_child(
    const spawn_place& place, supervisor_spec spec,
    std::function<void(const supervisor_actor&)> started = nullptr);

} // namespace peapod
