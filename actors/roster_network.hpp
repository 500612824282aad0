#pragma once

#include "actors/roster.hpp"

/// What the roster does when this device's networks change.
namespace peapod {

/// Begins to watch them, if there is who tells.
void watch_network(roster_state::self_pointer self);

/// Ends the sessions that cannot go on, and has the others found anew: this
/// device is announced in a burst, and whoever is known is dialled. Waits for
/// the next change.
void on_network_changed(roster_state::self_pointer self,
                        const network_changed& msg);

/// Looks for everybody anew if that had to wait; called now and then.
void reconnect_late(roster_state::self_pointer self);

} // namespace peapod
