#pragma once

#include "actors/ports.hpp"

#include <string>
#include <string_view>

namespace peapod {

/// Where programs of this machine reach a proxy that listens at `listen`: the
/// same, with a loopback address for "every address".
endpoint reachable(endpoint listen);

/// The URL of the script of the proxy at `proxy`.
std::string pac_url(const endpoint& proxy);

/// Whether a PeaPod serves its script at `url`; waits a second at most.
bool serves_script(std::string_view url);

/// Whether anybody takes connections at `url`, be it a PeaPod that is too busy
/// to serve its script; waits a second at most.
bool takes_connections(std::string_view url);

} // namespace peapod
