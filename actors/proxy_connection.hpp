#pragma once

#include "actors/environment.hpp"

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace peapod {

/// What the port of a tunnel and its actor share.
struct open_tunnel_state {
  bool open = false;  ///< set by the port with the 200
  http_fields fields; ///< of the request, until then
};

/// What only a pooled body needs; it counts while it is under way.
struct pooled_body : eligible {
  pooled_body(eligible x, environment_ptr counted, duration way)
    : eligible(std::move(x)), env(std::move(counted)), way(way) {
    ++env->counters.pooling;
  }
  pooled_body(const pooled_body&) = delete;
  ~pooled_body() {
    --env->counters.pooling;
  }

  environment_ptr env;
  duration way; ///< how long the origin took for its head
  std::optional<origin_digest> digest{}; ///< what it hashes to
};

/// One client's connection: a request at a time.
struct proxy_connection_state {
  using self_pointer =
      proxy_connection_actor::stateful_pointer<proxy_connection_state>;

  proxy_connection_state() = default;
  proxy_connection_state(const proxy_connection_state&) = delete;
  ~proxy_connection_state();

  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "proxy_connection";
  environment_ptr env;
  std::shared_ptr<http_server_stream> client;

  /// Counts the steps of all requests; answers to older steps are stale.
  uint64_t step = 0;
  /// Counts the exchanges; within a step another line may take over.
  uint64_t attempt = 0;
  request_head request;
  std::shared_ptr<http_exchange> exchange;
  instant asked{};       ///< when the origin was
  bool busy = false;     ///< a request is being answered
  bool answered = false; ///< the final head is being or has been written
  bool expects_continue = false; ///< the request's body waits for a 100
  bool body_relayed = true;      ///< the request's body has gone to the origin
  bool ending = false;           ///< close after this response
  bool in_tunnel = false;        ///< counted among the open tunnels

  /// What to do once the head has gone to the client.
  enum class then { nothing, finish, relay, pool };
  /// Heads to be written, the first of them being written.
  std::list<std::pair<response_head, then>> heads;
  slice page;                                ///< an answer of our own
  std::shared_ptr<open_tunnel_state> tunnel; ///< of a CONNECT
  /// Where it leads, or a plain request that may leave through a peer, and
  /// through which peers it was tried.
  std::unique_ptr<tunnel_wish> wish;  ///< apart, as most have none
  std::optional<device_id> exit;      ///< the peer that a plain request uses
  std::unique_ptr<error> own_failure; ///< why the own line cannot open it
  uint64_t own_tunnel = 0; ///< for the exits, when the own line carries it

  /// Some of the pooled body and who sent it.
  struct portion {
    body_parts body;
    caf::strong_actor_ptr from;
  };

  /// Wait to be written, the first is being written.
  std::list<portion> portions;
  std::unique_ptr<pooled_body> pooled; ///< apart, as idle tunnels have none
  uint64_t received = 0;     ///< offset behind what transfers have sent
  unsigned crashes = 0;      ///< transfers of this response that have crashed
  bool rest_is_here = false; ///< relay the exchange once `portions` is empty
  bool encoded = false;      ///< the pooled body has a content coding
};

/// Serves one client of the proxy until its connection ends.
proxy_connection_actor::behavior_type
proxy_connection_behavior(proxy_connection_state::self_pointer self,
                          environment_ptr env,
                          std::shared_ptr<http_server_stream> client);

} // namespace peapod
