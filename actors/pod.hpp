#pragma once

#include "actors/environment.hpp"
#include "actors/faults.hpp"
#include "actors/feed.hpp"
#include "actors/observation.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <memory>

namespace peapod {

/// One device's actors: the only place where they are put together.
class pod {
public:
  /// `io_unit` runs the actors that own ports. Nothing starts before `start`;
  /// until then the host may put its own `sharing` into the environment.
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

  /// Lets a device into the pod, or out of it; `who` is its name, its id or the
  /// beginning of its id, `code` the words that a person has compared, needed
  /// unless the id is whole. `done` is called from any thread, once, with how the
  /// device stands then. Errors: `not_found`, `mismatch` when `who` names
  /// several or the words are not its, `limit_reached`, `io_failed` and the like when it could not be
  /// saved, `cancelled` while the pod stops, `timed_out`.
  void change_trust(std::string who, bool trusted,
                    std::vector<std::string> code,
                    std::function<void(result<peer_status>)> done);

  /// A handler outside of any actor has thrown on the thread of the sockets:
  /// whoever waits for it waits in vain, so all that uses sockets restarts.
  void io_failed(const std::string& what);

  /// Waits at most `drain` for requests that are being answered, says goodbye
  /// to all peers and stops the tree, children in reverse order. Blocks; the
  /// actor system is empty once it has ended.
  void stop(duration drain = duration::zero());

  // -- looking at actors ------------------------------------------------------
  // From any thread; `done` is called from any thread, exactly once.

  /// Every live actor, in order of numbers. Waits a quarter of a second for
  /// those that are busy.
  void actors(std::function<void(std::vector<actor_row>)> done);

  /// One actor. Errors: `not_found` when no actor ever had this number,
  /// `gone` when it has ended.
  void actor(actor_number id, std::function<void(result<actor_page>)> done);

  /// The latest crashes, oldest first.
  std::vector<crash_report> crashes() const;

  /// How many crashes there were.
  uint64_t crash_count() const;

  /// What happens from now on, after the kept events whose number is greater
  /// than `since`, if it is given.
  feed_ptr<pod_event> events(std::optional<uint64_t> since = std::nullopt);

  /// The messages of one actor as it handles them; the feed ends with the
  /// actor or when the caller lets go of it. Errors as for `actor`.
  result<feed_ptr<message_record>> trace(actor_number id);

  /// Makes an actor crash; `done` is told when it has ended. Errors as for
  /// `actor`, `not_allowed` for the root, `timed_out` when it is in a handler.
  void kill(actor_number id, std::function<void(result<void>)> done);

  /// Stops a permanent actor in order and starts it anew; `done` is told the
  /// new number, or 0 while it is not up yet. Errors as for `kill`, and
  /// `not_allowed` for an actor that its supervisor does not restart.
  void restart(actor_number id, std::function<void(result<actor_number>)> done);

  /// Disturbs an actor. Errors as for `actor`, and `not_allowed` when the
  /// configuration forbids it.
  result<void> disturb(actor_number id, const fault& what);

  /// What every connected member of the pod shows of its actors; waits at most
  /// three seconds for them.
  void members(std::function<void(std::vector<member_view>)> done);

  environment& env() {
    return *env_;
  }

private:
  environment_ptr env_;
  supervisor_actor root_;
};

} // namespace peapod
