#pragma once

#include "actors/environment.hpp"
#include "core/handshake_gate.hpp"

#include <memory>
#include <string>

namespace peapod {

/// Listens for clients of the proxy.
struct proxy_acceptor_state {
  using self_pointer =
      proxy_acceptor_actor::stateful_pointer<proxy_acceptor_state>;
  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "proxy_acceptor";
  environment_ptr env;
  std::shared_ptr<http_acceptor> port;
  uint64_t refused = 0; ///< since the last line of the log about it
  std::string why;      ///< that the last one of them was
  bool telling = false; ///< the next line waits for a `tick`, which is due
};

/// Starts a `proxy_connection` for each client of `port`. Clients beyond
/// `max_clients`, or for whom there are no descriptors, get the room of a
/// kept-alive connection without a request, else a 503.
proxy_acceptor_actor::behavior_type
proxy_acceptor_behavior(proxy_acceptor_state::self_pointer self,
                        environment_ptr env,
                        std::shared_ptr<http_acceptor> port);

/// Listens for peers.
struct peer_acceptor_state {
  using self_pointer =
      peer_acceptor_actor::stateful_pointer<peer_acceptor_state>;
  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "peer_acceptor";
  environment_ptr env;
  std::shared_ptr<stream_acceptor> port;
  handshake_gate gate; ///< bounds what strangers may have open
};

/// Starts a `peer_session` for each connection to `port`; those for which the
/// gate has no room are closed unanswered.
peer_acceptor_actor::behavior_type
peer_acceptor_behavior(peer_acceptor_state::self_pointer self,
                       environment_ptr env,
                       std::shared_ptr<stream_acceptor> port);

} // namespace peapod
