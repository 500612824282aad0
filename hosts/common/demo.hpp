#pragma once

#include "hosts/common/cli.hpp"

namespace peapod {

/// Shows what a pod does, on this machine alone: devices on loopback
/// addresses, an origin that gives each of them its own rate, and a download
/// with one device and with all. Returns the exit code: 0 when every download
/// was right byte for byte, else 1.
int run_demo(const demo_options& options);

} // namespace peapod
