#pragma once

#include "actors/environment.hpp"
#include "hosts/get/board.hpp"

#include <memory>

namespace peapod {

/// Takes the place of the daemon's console.
struct progress_keeper_state {
  using self_pointer = console_actor::stateful_pointer<progress_keeper_state>;

  const char* name = "progress_keeper";
  std::shared_ptr<board> shown;
};

/// Puts what transfers report on the board.
console_actor::behavior_type
progress_keeper_behavior(progress_keeper_state::self_pointer self,
                         std::shared_ptr<board> shown);

} // namespace peapod
