#pragma once

#include "actors/environment.hpp"

#include <string>
#include <vector>

namespace peapod {

/// What is looked at, line by line.
struct line_watcher_state {
  using self_pointer = line_watcher_actor::stateful_pointer<line_watcher_state>;

  struct watched {
    line_look last;
    bool asking = false; ///< for its public address
    instant ask_at{};    ///< when it is asked for again
    unsigned round = 0;  ///< answers to older questions are stale
    std::string failure; ///< why the last question had no answer, or empty
  };

  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "line_watcher";
  environment_ptr env;
  std::vector<watched> lines; ///< in the order of the environment's
  bool cut_off = false;       ///< none of `[wan] bind` is there: it was told
};

/// Looks whether this device's lines are there and where they leave for the
/// internet, and tells those who fetch over them.
line_watcher_actor::behavior_type
line_watcher_behavior(line_watcher_state::self_pointer self,
                      environment_ptr env);

} // namespace peapod
