#pragma once

#include "actors/environment.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <memory>

namespace peapod {

/// One device's actors: the only place where they are put together.
class pod {
public:
  /// `io_unit` runs the actors that own ports. Nothing starts before `start`.
  pod(caf::actor_system& system, caf::execution_unit* io_unit,
      pod_config config, pod_ports ports, std::shared_ptr<const identity> self);

  pod(const pod&) = delete;
  pod& operator=(const pod&) = delete;

  /// Starts the supervision tree. `given_up` is called from any thread, with
  /// the reason, when the tree ends by itself.
  void start(std::function<void(std::string)> given_up);

  /// Asks for the pod's state; `done` is called from any thread, also when the
  /// pod cannot answer (with an error) within two seconds.
  void status(std::function<void(result<pod_status>)> done);

  /// Waits at most `drain` for requests that are being answered, says goodbye
  /// to all peers and stops the tree, children in reverse order. Blocks; the
  /// actor system is empty once it has ended.
  void stop(duration drain = duration::zero());

  environment& env() {
    return *env_;
  }

private:
  environment_ptr env_;
  supervisor_actor root_;
};

} // namespace peapod
