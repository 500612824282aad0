#pragma once

#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// A device through whose internet connection a tunnel can be had.
struct tunnel_exit {
  device_id id;
  std::string name; ///< printable
  bool adds = true; ///< it is no other line's, not metered, and not paused

  bool operator==(const tunnel_exit&) const = default;
};

/// What the daemon of this device offers to `peapod get`.
struct daemon_lines {
  endpoint proxy;  ///< where it listens, as to be connected to
  tunnel_exit own; ///< this device
  std::vector<tunnel_exit> peers;

  bool operator==(const daemon_lines&) const = default;
};

/// Reads the answer to `GET /v1/status`: the peers that are connected and take
/// tunnels. Errors: `bad_http` when it is no such answer.
result<daemon_lines> parse_daemon_lines(std::string_view status);

} // namespace peapod
