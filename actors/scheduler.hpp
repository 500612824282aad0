#pragma once

#include "actors/environment.hpp"
#include "core/interval_set.hpp"
#include "core/sleep_detector.hpp"

#include <map>
#include <memory>
#include <string>

namespace peapod {

/// The pure scheduler and the handles of those it decides about.
struct scheduler_state {
  using self_pointer = scheduler_actor::stateful_pointer<scheduler_state>;

  struct transfer_entry {
    std::shared_ptr<const body_source> source;
    caf::strong_actor_ptr handle;
    interval_set lost; ///< ranges of sources that went, not leased again yet
  };

  /// A range that somebody has leased and not brought yet.
  struct open_lease {
    device_id source;
    transfer_id transfer;
    byte_range range; ///< begins with what has not come yet
  };

  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "scheduler";
  environment_ptr env;
  std::unique_ptr<peapod::scheduler> core;
  std::map<device_id, caf::strong_actor_ptr> sources;
  std::map<transfer_id, transfer_entry> transfers;
  std::map<lease_id, open_lease> leases;
  bool ticking = false;
  sleep_detector sleep; ///< finds out that ticks come late
};

/// Leases ranges of all bodies to all sources; sees no payload.
scheduler_actor::behavior_type
scheduler_behavior(scheduler_state::self_pointer self, environment_ptr env);

} // namespace peapod
