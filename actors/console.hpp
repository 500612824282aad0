#pragma once

#include "actors/environment.hpp"
#include "core/rate_meter.hpp"

#include <deque>
#include <map>

namespace peapod {

/// What sessions and transfers have told.
struct console_state {
  using self_pointer = console_actor::stateful_pointer<console_state>;

  struct traffic {
    uint64_t from = 0;
    uint64_t to = 0;
    double rate_from = 0; ///< bytes a second, smoothed
    double rate_to = 0;
    instant since{};
  };

  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "console";
  environment_ptr env;
  std::map<device_id, traffic> sessions;
  struct running_transfer {
    transfer_status status;
    caf::actor_addr actor;
  };

  std::map<transfer_id, running_transfer> running;
  std::deque<transfer_status> ended; ///< the latest last
};

/// Keeps what people ask for: the pod's state.
console_actor::behavior_type console_behavior(console_state::self_pointer self,
                                              environment_ptr env);

} // namespace peapod
