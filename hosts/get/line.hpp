#pragma once

#include "actors/environment.hpp"
#include "hosts/get/get_messages.hpp"
#include "hosts/get/write_desk.hpp"

#include <map>
#include <memory>
#include <utility>

namespace peapod {

/// A way to the internet, and who looks after it.
struct line_start {
  device_id id;
  std::shared_ptr<http_client> http; ///< leaves through that device alone
  line_keeper_actor keeper;
  std::shared_ptr<const write_desk> desk; ///< gets what comes, too
};

/// Exchanges with servers over one line, one for each lease.
struct line_state {
  using self_pointer = line_actor::stateful_pointer<line_state>;

  /// Leases are numbered by whoever asks, so the sink is part of the name.
  using key = std::pair<caf::actor_addr, lease_id>;

  struct fetch {
    fetch_chunk ask;
    std::shared_ptr<http_exchange> exchange;
    uint64_t at = 0; ///< offset of the next byte
    unsigned status = 0;
    representation rep; ///< as the server answered
  };

  const char* name = "line";
  line_start start;
  std::map<key, fetch> fetches;
};

/// Brings ranges of `https` bodies over one line: their TLS ends here, so that
/// the device in between can neither read nor change them. Other bodies are
/// refused.
line_actor::behavior_type line_behavior(line_state::self_pointer self,
                                        environment_ptr env, line_start start);

} // namespace peapod
