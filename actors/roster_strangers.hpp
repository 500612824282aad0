#pragma once

#include "actors/roster.hpp"

/// What the roster does about devices that are not in the pod: they may wait
/// for a person, and cost little otherwise.
namespace peapod {

/// A session whose device is not let in has come. Where there is no room for
/// it, the one that has waited longest of the place with most of them goes.
void take_into_waiting_room(roster_state::self_pointer self);

/// Whether so many wait that others were sent away, within the last minute.
bool is_crowded(roster_state::self_pointer self);

/// How to log that a device waits: loudly, unless that was done a lot lately.
log_level waiting_level(roster_state::self_pointer self);

/// A session has ended whose device was no peer.
void count_stranger(roster_state::self_pointer self);

/// Logs how many of them there were, now and then.
void tell_of_strangers(roster_state::self_pointer self);

} // namespace peapod
