#pragma once

#include "actors/environment.hpp"
#include "actors/proxy_connection.hpp"
#include "actors/relay_flow.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod {

/// What a tunnel through a peer begins with.
struct relayed_tunnel_start {
  tunnel_wish wish;
  device_id line;
  caf::strong_actor_ptr session;
  std::shared_ptr<http_server_stream> client;
  proxy_connection_actor connection; ///< whose client it is
  uint64_t step = 0;                 ///< of that
  std::shared_ptr<open_tunnel_state> shared;
  bool wanted = false; ///< the client wants this line and no other
  duration patience{}; ///< how long the exit may take, unless `wanted`
};

/// The client's end of a tunnel through a peer.
struct relayed_tunnel_state {
  using self_pointer = relay_end_actor::stateful_pointer<relayed_tunnel_state>;

  relayed_tunnel_state() = default;
  relayed_tunnel_state(const relayed_tunnel_state&) = delete;
  ~relayed_tunnel_state();

  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  enum class phase {
    opening,   ///< the exit connects
    accepting, ///< the client is told
    undecided, ///< nobody has said anything yet
    greeting,  ///< the client has said hello and the site has not answered
    open,
    leaving, ///< it goes on over another line once the last read has ended
    over,
  };

  const char* name = "relayed_tunnel";
  environment_ptr env;
  relayed_tunnel_start start;
  relay_flow flow;
  phase now = phase::opening;
  bool can_replay = false; ///< `kept` is all that the client has said
  byte_buffer kept;        ///< what the client has said before the site did
  byte_buffer answered;    ///< how the site's answer begins
  /// What the exit says while the client is told.
  std::vector<slice> early;
  std::optional<relay_closed> early_end;
  instant begun{};
  instant moved{};         ///< when something came last, from either side
  error why;               ///< it leaves
  bool unsaid = false;     ///< nothing of `kept` has gone to the peer
  uint64_t unreported = 0; ///< bytes
  instant reported{};
};

/// Carries one tunnel of a client through a peer. As long as the site has not
/// said anything, the tunnel can go on over the own line instead, and the
/// client does not notice.
relay_end_actor::behavior_type
relayed_tunnel_behavior(relayed_tunnel_state::self_pointer self,
                        environment_ptr env, relayed_tunnel_start start);

/// Starts one; false when nobody can at the moment.
bool start_relayed_tunnel(const environment_ptr& env,
                          relayed_tunnel_start start);

} // namespace peapod
