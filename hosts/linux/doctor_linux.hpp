#pragma once

#include "hosts/common/doctor_probe.hpp"

namespace peapod {

/// Asks Linux: /proc/net for routes, neighbours and ports, /sys/class/net for
/// tunnels, `nft` for the packet filter, NetworkManager for the line.
system_probe linux_probe();

} // namespace peapod
