#pragma once

#include "actors/environment.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace peapod {

/// Exchanges with origins, one for each lease.
struct wan_fetcher_state {
  using self_pointer = wan_fetcher_actor::stateful_pointer<wan_fetcher_state>;

  /// Leases are numbered by whoever asks, so the sink is part of the name.
  using key = std::pair<caf::actor_addr, lease_id>;

  struct fetch {
    fetch_chunk ask;
    std::shared_ptr<http_exchange> exchange; ///< null: it waits to begin
    uint64_t arrived = 0;   ///< bytes from this exchange, read or not
    uint64_t taken = 0;     ///< bytes read from it
    double place = 0;       ///< among what is read for peers
    uint64_t at = 0;        ///< offset of the next byte
    unsigned redirects = 0; ///< followed so far
    url target;
    unsigned status = 0;
    representation rep; ///< as the origin answered
  };

  /// Whether it fetches anything for a peer.
  bool serves_peers() const;

  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "wan_fetcher";
  environment_ptr env;
  wan_line* line = nullptr; ///< of `env`
  std::map<key, fetch> fetches;
  /// Origins that want to be asked later, and when; for peers only, because
  /// each peer's scheduler learns for itself.
  std::map<std::string, instant> asked_later;
  bool watching = false; ///< own use, by a tick
};

/// Brings ranges over this device's own internet connection, the first if it
/// has several: for its own transfers as the client asked, for peers under the
/// exit policy.
wan_fetcher_actor::behavior_type
wan_fetcher_behavior(wan_fetcher_state::self_pointer self, environment_ptr env);

/// The same over one `line` of `env`.
wan_fetcher_actor::behavior_type
line_fetcher_behavior(wan_fetcher_state::self_pointer self, environment_ptr env,
                      wan_line* line);

} // namespace peapod
