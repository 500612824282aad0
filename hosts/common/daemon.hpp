#pragma once

#include "hosts/common/config.hpp"

#include <string>

namespace peapod {

/// Runs a device in the foreground until SIGINT or SIGTERM. Returns the exit
/// code: 0 after a signal; 1 when it could not start; 70 (EX_SOFTWARE) when
/// its supervision tree gave up, so that a service manager starts it again.
int run_daemon(const settings& x, const std::string& version);

} // namespace peapod
