#pragma once

#include "actors/environment.hpp"
#include "actors/sharing.hpp"
#include "core/handshake_gate.hpp"
#include "core/peer_link.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peapod {

/// A connection that is to become a session.
struct session_start {
  std::shared_ptr<byte_stream> stream;
  std::optional<roster::dial> dialled;     ///< nothing when the peer connected
  handshake_gate::ticket ticket = nullptr; ///< when the peer connected
};

/// One peer: the link to it, what we wait for and what we serve.
struct peer_session_state {
  using self_pointer = peer_session_actor::stateful_pointer<peer_session_state>;

  /// A range that the peer asked us for.
  struct serving {
    range_ask ask;
    wan_fetcher_actor fetcher;        ///< who was asked
    byte_reservation reservation;     ///< of the process's budget for serving
    std::optional<sharing_pass> pass; ///< counts what comes
  };

  /// A tunnel, by its number on the link.
  struct relay {
    uint64_t tunnel = 0;       ///< its number in this process
    caf::strong_actor_ptr end; ///< null: the exit connects
    bool ours = false;         ///< we have asked for it
    bool we_ended = false;     ///< nothing more is sent
    bool peer_ended = false;   ///< nothing more comes
  };

  peer_session_state() = default;
  peer_session_state(const peer_session_state&) = delete;
  ~peer_session_state();

  std::string about() const;
  std::string summary() const;
  void dump(cereal::JSONOutputArchive& to) const;

  const char* name = "peer_session";
  environment_ptr env;
  session_start start;
  uint64_t connection = 0; ///< numbers sessions, for the roster
  instant begun{};
  std::unique_ptr<peer_link> link; ///< once the protocol is known
  std::optional<device_id> peer;   ///< known from the handshake on
  std::string peer_name;           ///< as it calls itself
  bool opened = false;             ///< it has proven its key; the roster knows
  bool ready = false;              ///< both sides trust each other
  bool secure = false;             ///< it speaks protocol 2
  bool foreign = false;            ///< it speaks protocol 1 without extensions
  bool tunnels = false;            ///< it opens tunnels
  bool left = false;               ///< the peer said that it leaves
  bool ended = false;
  wire2::sharing offers;              ///< what the peer offers
  std::optional<wire2::sharing> told; ///< what we have told it that we offer
  public_key key;                     ///< the peer's
  uint64_t told_edition = 0;          ///< of what it was told of our lines
  std::vector<egress_tags> told_lines;
  std::map<lease_id, fetch_chunk> wants; ///< ranges that we asked for
  /// What has come of one of them; goes on at the end of the next pump.
  std::optional<chunk_arrived> arrived;
  std::map<lease_id, serving> serves;
  std::deque<range_ask> queued; ///< what it asked for and we do later
  lease_id next_serve = 1;
  std::map<tunnel_number, relay> relays;
  std::map<uint64_t, tunnel_number> relay_numbers; ///< by the process's number
  std::vector<slice> to_write;    ///< leaves at the end of the next pump
  uint64_t writes = 0;            ///< begun so far
  std::deque<uint64_t> unwritten; ///< bytes of those the kernel has not taken
  instant wrote{};                ///< when it last took one, or began to wait
  /// What was served and has not left, by the number of its write.
  std::deque<std::pair<uint64_t, byte_reservation>> unsent;
  bool asked_us = false; ///< it has asked for our actors and waits
  bool looks = false;    ///< they are being looked at for it
  std::vector<std::function<void(member_view)>> viewers; ///< who asks for its
  uint64_t bytes_from = 0;
  uint64_t bytes_to = 0;
};

/// Holds one session with a peer: brings its chunks to our transfers and ours
/// to it.
peer_session_actor::behavior_type
peer_session_behavior(peer_session_state::self_pointer self,
                      environment_ptr env, session_start start);

/// Starts a session under the session supervisor; false, with the connection
/// closed, when there is none at the moment.
bool start_session(const environment_ptr& env, session_start start);

} // namespace peapod
