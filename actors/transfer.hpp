#pragma once

#include "actors/environment.hpp"

#include <map>
#include <memory>
#include <optional>

namespace peapod {

/// All that a transfer begins with.
struct transfer_start {
  std::shared_ptr<const body_source> source;
  byte_range body;
  std::shared_ptr<http_exchange> spine; ///< its head has been read
  proxy_connection_actor client;
};

/// The pure transfer, its spine, and the leases that bring the rest.
struct transfer_state {
  using self_pointer = transfer_actor::stateful_pointer<transfer_state>;

  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "transfer";
  environment_ptr env;
  transfer_start start;
  std::optional<peapod::transfer> core;
  std::map<lease_id, uint64_t> leases; ///< how far each has come
  uint64_t told_spine = 0;     ///< what the scheduler knows of the spine
  uint64_t told_taken = 0;     ///< what it knows of the client
  wan_fetcher_actor rechecker; ///< who was asked for the recheck
  byte_range recheck;          ///< what it was asked for
  byte_buffer recheck_bytes;   ///< what it has brought of that
  instant spine_heard{};       ///< when the spine last brought something
  bool rechecking = false;
  unsigned failed_rechecks = 0; ///< that say nothing about the origin's copy
  instant recheck_after{};      ///< a busy origin is not asked before
  bool closed = false;
  scheduler_actor scheduler; ///< who was told of this body
  unsigned reports = 0;
};

/// Brings one pooled body to one client: reads the spine, takes what sources
/// bring, passes it on in order.
transfer_actor::behavior_type
transfer_behavior(transfer_state::self_pointer self, environment_ptr env,
                  transfer_start start);

} // namespace peapod
