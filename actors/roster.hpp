#pragma once

#include "actors/environment.hpp"
#include "core/roster.hpp"

#include <map>
#include <memory>
#include <vector>

namespace peapod {

/// The pure roster and the sessions that it decides about.
struct roster_state {
  using self_pointer = roster_actor::stateful_pointer<roster_state>;

  struct session_entry {
    device_id id;
    public_key key;
    bool foreign = false;
    bool secure = false;
    bool tunnels = false; ///< it opens tunnels
    caf::strong_actor_ptr handle;
    endpoint remote;
    std::string local; ///< our address on the connection
    std::string name;
    bool current = false; ///< of the sessions with the device, the one
    bool trusted = false; ///< we want it
    bool ready = false;   ///< so does the peer
    bool shares = true;   ///< it brings something at the moment
    bool metered = false; ///< its line is paid for by the byte, as it says
    std::vector<egress_tags> lines{};   ///< where they leave, as it says
    std::optional<pairing_code> code{}; ///< to be compared until then
    instant since{};
    bool leaves = false; ///< it was sent away
  };

  /// What devices that are no peers have cost lately.
  struct stranger_counts {
    uint64_t gone = 0;      ///< sessions that have ended since `told`
    instant told{};         ///< when the log was told
    size_t named = 0;       ///< who waits, in the log since `told`
    uint64_t sent_away = 0; ///< for want of room since `complained`
    std::optional<instant> complained;
    std::optional<instant> crowded; ///< when somebody was sent away last
  };

  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "roster";
  environment_ptr env;
  std::unique_ptr<peapod::roster> core;
  std::map<uint64_t, session_entry> sessions; ///< by connection
  std::map<device_id, device_id> same_line;   ///< who shares a bottleneck
  std::shared_ptr<network_watch> watch;       ///< or null
  bool has_notes = false; ///< the trust store has changed by itself
  bool has_notes_of_strangers = false;
  instant saved{}; ///< when such changes were saved
  stranger_counts strangers;
  std::optional<instant> reconnected; ///< when a network was found last
  bool must_reconnect = false;        ///< another one was found since
};

/// Knows the devices around, dials them and decides which connection stays.
roster_actor::behavior_type roster_behavior(roster_state::self_pointer self,
                                            environment_ptr env);

} // namespace peapod
