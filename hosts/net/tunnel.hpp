#pragma once

#include "actors/ports.hpp"
#include "hosts/net/http_transport.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace peapod::net {

/// Moves bytes both ways between a client and an origin until both have ended
/// their side; the end of one side is passed on at once. `early`: what the
/// client has sent already. Errors: `connection_closed` when a side is reset,
/// which resets the other; `timed_out` after ten minutes without a byte.
task<relay_totals> run_tunnel(std::shared_ptr<transport> client,
                              std::shared_ptr<transport> origin,
                              std::string early);

} // namespace peapod::net
