#pragma once

#include "hosts/common/config.hpp"
#include "hosts/common/system_proxy.hpp"
#include "hosts/linux/run_program_linux.hpp"

#include <string>
#include <vector>

namespace peapod {

/// The desktops of the session that this process belongs to: those that keep
/// their proxy in GSettings (GNOME, Cinnamon, MATE, Budgie, ...) and KDE. They
/// are asked and told with programs, which `run` runs.
session_desktops find_desktops(const process_environment& env,
                               program_runner run);

/// Whether desktops are asked or told something by this: a value of their
/// proxy's setting, or KDE's programs that it has changed.
bool is_for_desktops(const std::vector<std::string>& words);

} // namespace peapod
