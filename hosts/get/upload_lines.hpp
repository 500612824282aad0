#pragma once

#include "hosts/get/upload.hpp"

#include <optional>
#include <string>

/// The lines of an upload: who brings what is not split, and who takes over
/// from a line that has failed.
namespace peapod {

/// The name of this device's own line.
device_id own_id(upload_state::self_pointer self);

/// A line besides those that did not reach the server.
std::optional<device_id> next_line(const upload_state& st);

/// Chooses the line of an upload that is not split, and says which one it is.
void use_one_line(upload_state::self_pointer self, const std::string& why);

/// An upload that is not split goes on over the own line.
void stay_at_home(upload_state::self_pointer self, const std::string& why);

/// The own line does not reach the server: others bring what is left, for a
/// while. False: there are none.
bool go_elsewhere(upload_state::self_pointer self, const error& why);

/// The own line did not reach the server: it gets no part for a while.
void rest_own_line(upload_state::self_pointer self);

/// A line has failed: it gets no part for a while, and one of a peer that does
/// so again and again is not used any more.
void hold_back(upload_state::self_pointer self, const device_id& id,
               const error& why);

/// A line is there no longer. What it was bringing goes back.
void lose_line(upload_state::self_pointer self, const device_id& id);

/// A line is not used any more because of what it did.
void drop_line(upload_state::self_pointer self, const device_id& id,
               const error& why);

} // namespace peapod
