#pragma once

#include "actors/environment.hpp"
#include "actors/sharing.hpp"
#include "core/session.hpp"

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
  std::optional<roster::dial> dialled; ///< nothing when the peer connected
};

/// One peer: the protocol machine, what we wait for and what we serve.
struct peer_session_state {
  using self_pointer = peer_session_actor::stateful_pointer<peer_session_state>;

  /// A range that we asked the peer for.
  struct wanted {
    fetch_chunk ask;
    bool cancelled = false;
  };

  /// A range that the peer asked us for.
  struct serving {
    chunk_request ask;
    wan_fetcher_actor fetcher;    ///< who was asked
    byte_reservation reservation; ///< of the process's budget for serving
    byte_buffer bytes;
    unsigned status = 0;
    representation rep;
    std::optional<sharing_pass> pass; ///< counts what comes
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
  std::unique_ptr<session> core;
  std::optional<device_id> peer; ///< known from the handshake on
  public_key peer_key;
  std::string peer_name; ///< as it calls itself
  bool opened = false;   ///< it has proven its key; the roster knows
  bool foreign = true;   ///< speaks protocol 1 without extensions
  bool left = false;     ///< the peer said that it leaves
  bool ended = false;
  std::map<lease_id, wanted> wants;
  std::map<lease_id, serving> serves;
  std::deque<chunk_request> queued; ///< what it asked for and we do later
  lease_id next_serve = 1;
  uint64_t writes = 0;    ///< begun so far
  uint64_t unwritten = 0; ///< of them, what the kernel has not taken
  instant wrote{};        ///< when it last took one, or began to wait
  /// What was served and has not left, by the number of its write.
  std::deque<std::pair<uint64_t, byte_reservation>> unsent;
  bool shows_actors = false; ///< the peer answers questions about its actors
  bool asked_us = false;     ///< it has asked for ours and waits
  std::vector<std::function<void(member_view)>> viewers; ///< who asks for its
  uint64_t bytes_from = 0;
  uint64_t bytes_to = 0;
};

/// Holds one session with a peer: brings its chunks to our transfers and ours
/// to it.
peer_session_actor::behavior_type
peer_session_behavior(peer_session_state::self_pointer self,
                      environment_ptr env, session_start start);

/// Lets the core take frames as large as what is being waited for, not larger.
void limit_frames(peer_session_state::self_pointer self);

/// Starts a session under the session supervisor; false, with the connection
/// closed, when there is none at the moment.
bool start_session(const environment_ptr& env, session_start start);

} // namespace peapod
