#pragma once

#include "actors/roster.hpp"

#include <string_view>
#include <vector>

/// What the roster does about trust.
namespace peapod {

/// How a device stands, as in `peer_status::trust`.
std::string trust_word(const environment& env, const public_key& key);

/// Adds the trusted devices that are not around, in state `away`.
void add_absent(const environment& env, std::vector<peer_status>& peers);

/// Carries out `change_trust`: changes the store, saves it, tells of it, and
/// ends the sessions of a device that is not trusted any more. The result has
/// the device's id, name and trust. Trust that cannot be saved is not given;
/// trust that is taken back is gone now, saved or not. Errors as of
/// `trust_change`.
result<peer_status> set_trust(roster_state::self_pointer self,
                              const change_trust& msg);

/// A trusted device has told its name.
void take_name(environment& env, const public_key& key, std::string_view name);

} // namespace peapod
