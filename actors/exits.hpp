#pragma once

#include "actors/environment.hpp"
#include "core/exit_choice.hpp"

#include <map>
#include <memory>
#include <string>

namespace peapod {

/// The pure choice, and the sessions that it leads to.
struct exits_state {
  using self_pointer = exits_actor::stateful_pointer<exits_state>;

  exits_state() = default;
  exits_state(const exits_state&) = delete;
  ~exits_state();

  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "exits";
  environment_ptr env;
  std::unique_ptr<exit_choice> core;
  std::map<device_id, caf::strong_actor_ptr> sessions;
  instant now{};     ///< of the last tick
  uint64_t kept = 0; ///< changes of `core` that `environment::sites` has
  instant kept_at{};
};

/// Chooses the line that each tunnel leaves through. What it knows of sessions
/// they tell again and again, so its successor knows it soon.
exits_actor::behavior_type exits_behavior(exits_state::self_pointer self,
                                          environment_ptr env);

} // namespace peapod
