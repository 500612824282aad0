#pragma once

#include "hosts/common/config.hpp"
#include "hosts/common/system_proxy.hpp"

namespace peapod {

/// The desktops of the session that this process belongs to: those that keep
/// their proxy in GSettings (GNOME, Cinnamon, MATE, Budgie, ...) and KDE.
session_desktops find_desktops(const process_environment& env);

} // namespace peapod
