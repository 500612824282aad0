#pragma once

#include "hosts/common/doctor_probe.hpp"

namespace peapod {

/// The facts that sockets tell: ports that are taken, the multicast test,
/// beacons, attempts to connect, the way to the internet. `out` has the
/// settings, the interfaces and what the daemon said.
void probe_network(const doctor_request& what, doctor_facts& out);

} // namespace peapod
