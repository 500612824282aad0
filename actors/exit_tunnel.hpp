#pragma once

#include "actors/environment.hpp"
#include "actors/relay_flow.hpp"
#include "actors/sharing.hpp"

#include <deque>
#include <optional>
#include <string>

namespace peapod {

/// What a tunnel for a peer begins with.
struct exit_tunnel_start {
  uint64_t tunnel = 0;
  device_id peer;
  host_port target;
  caf::strong_actor_ptr session;
};

/// The origin's end of a tunnel for a peer.
struct exit_tunnel_state {
  using self_pointer = relay_end_actor::stateful_pointer<exit_tunnel_state>;

  exit_tunnel_state() = default;
  exit_tunnel_state(const exit_tunnel_state&) = delete;
  ~exit_tunnel_state();

  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "exit_tunnel";
  environment_ptr env;
  exit_tunnel_start start;
  relay_flow flow;
  std::optional<sharing_pass> pass; ///< for the next bytes
  uint64_t left = 0;                ///< of the pass, in bytes
  double place = 0;                 ///< among what is read for peers
  bool waiting = false;             ///< until the share's rate allows more
  /// What the peer has sent and the share's rate does not allow yet: no more
  /// than the peer has credit for.
  std::deque<slice> held_back;
  size_t may_write = 0;       ///< bytes, before the rate is looked at again
  bool writing_waits = false; ///< for the share's rate
  bool peer_is_done = false;  ///< nothing follows
  bool over = false;
  instant begun{};
  instant moved{}; ///< when bytes last went either way
};

/// Connects to an origin for a peer and relays bytes, under the exit policy,
/// the share's rate and its quota. It cannot look into TLS.
relay_end_actor::behavior_type
exit_tunnel_behavior(exit_tunnel_state::self_pointer self, environment_ptr env,
                     exit_tunnel_start start);

/// Starts one; false when nobody can at the moment.
bool start_exit_tunnel(const environment_ptr& env, exit_tunnel_start start);

} // namespace peapod
