#pragma once

#include "actors/roster.hpp"

#include <string_view>
#include <vector>

/// What the roster does about trust.
namespace peapod {

/// Whether the device of a session belongs to the pod.
bool is_wanted(const environment& env, const roster_state::session_entry& x);

/// Whether a device may speak by protocol 2, or by 1: not with less than it has
/// spoken before.
bool may_speak(const environment& env, const public_key& key, bool secure);

/// Why not.
error spoke_more();

/// Fills in how a device stands: `trust` and `code`.
void describe_trust(roster_state::self_pointer self, const roster::entry& x,
                    peer_status& to);

/// Adds the trusted devices that are not around, in state `away`.
void add_absent(const environment& env, std::vector<peer_status>& peers);

/// Carries out `change_trust`: changes the store, saves it, tells of it, and
/// ends the sessions of a device that is not trusted any more. The result has
/// the device's id, name and trust. Trust that cannot be saved is not given;
/// trust that is taken back is gone now, saved or not. Who is let in is the key
/// whose words a person has compared, or whose whole id was given. Errors as of
/// `trust_change`.
result<peer_status> set_trust(roster_state::self_pointer self,
                              const change_trust& msg);

/// A session stands: remembers what its peer speaks and calls itself.
void note_session(roster_state::self_pointer self,
                  const roster_state::session_entry& x);

/// Its peer is in the pod.
void note_peer(roster_state::self_pointer self,
               const roster_state::session_entry& x);

/// Saves what was remembered: now and then, so that strangers cannot keep the
/// disk busy, or `now`.
void save_notes(roster_state::self_pointer self, bool now);

} // namespace peapod
