#pragma once

#include "actors/environment.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace peapod {

/// The discovery group, heard and spoken to.
struct discovery_listener_state {
  using self_pointer =
      discovery_listener_actor::stateful_pointer<discovery_listener_state>;

  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "discovery_listener";
  environment_ptr env;
  std::shared_ptr<discovery_port> port;
  size_t announced = 0; ///< announcements of the present burst, and after it
  uint64_t burst = 0;   ///< ticks of earlier bursts are stale
  bool unheard = false; ///< the last announcement reached no interface
  double tokens = 0;    ///< announcements that may be sent now
  std::optional<instant> refilled;        ///< when they were counted
  std::map<std::string, instant> replied; ///< when each address was answered
};

/// Announces this device (a quick burst at the start and when it is somewhere
/// else, then every `beacon_interval`) and passes what it hears to the roster.
discovery_listener_actor::behavior_type
discovery_listener_behavior(discovery_listener_state::self_pointer self,
                            environment_ptr env,
                            std::shared_ptr<discovery_port> port);

} // namespace peapod
