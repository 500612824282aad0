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
  /// What the hash of the body has to be, if the origin said so.
  std::optional<origin_digest> digest = std::nullopt;
  duration way{}; ///< how long the spine's head took
};

/// The pure transfer, its spine, and the leases that bring the rest.
struct transfer_state {
  using self_pointer = transfer_actor::stateful_pointer<transfer_state>;

  /// Bytes that the own line is asked for only to compare them.
  struct question {
    peapod::transfer::recheck what;
    instant since;           ///< when it was asked first
    wan_fetcher_actor asked; ///< nobody: a later tick asks again
    byte_buffer bytes;       ///< what has come
    unsigned failures = 0;   ///< of what another try may change
    instant after{};         ///< a busy origin is not asked before
    bool differs = false;    ///< a server had another version
  };

  /// A range that somebody brings.
  struct lease {
    uint64_t upto = 0; ///< how far it has come
    uint64_t told = 0; ///< how far it has for the scheduler
    instant when{};    ///< when that was told
  };

  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "transfer";
  environment_ptr env;
  transfer_start start;
  std::optional<peapod::transfer> core;
  std::map<lease_id, lease> leases;
  body_ready ready;        ///< leaves at the end of the next pump
  uint64_t told_spine = 0; ///< what the scheduler knows of the spine
  uint64_t told_taken = 0; ///< what it knows of the client
  instant told{};          ///< when it was told of both
  bool news = false;       ///< it will be told of more when a timer runs out
  std::map<uint64_t, question> rechecks; ///< by their numbers
  instant spine_heard{}; ///< when the spine last brought something
  bool alone = false;    ///< the spine brings the rest, no scheduler is needed
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
