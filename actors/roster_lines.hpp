#pragma once

#include "actors/roster.hpp"

namespace peapod {

/// Says of each connected peer of `to` whether it adds capacity, and adds this
/// device's own lines.
void describe_lines(roster_state::self_pointer self, peer_list& to);

} // namespace peapod
