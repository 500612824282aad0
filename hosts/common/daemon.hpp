#pragma once

#include "hosts/common/config.hpp"
#include "hosts/common/system_proxy.hpp"

#include <functional>
#include <string>

namespace peapod {

/// Runs a device in the foreground until SIGINT or SIGTERM. Returns the exit
/// code: 0 after a signal; 1 when it could not start; 70 (EX_SOFTWARE) when
/// its supervision tree gave up, so that a service manager starts it again.
/// `find_desktops` finds whose proxy `[proxy] system` is about, and whose an
/// earlier run has left behind.
int run_daemon(
    const settings& x, const std::string& version,
    const std::function<session_desktops(const process_environment&)>&
        find_desktops);

} // namespace peapod
