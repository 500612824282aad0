#pragma once

#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// A line through which a tunnel can be had: a device's, or one of several of
/// this device.
struct tunnel_exit {
  device_id id;      ///< of the device, or of the line
  std::string name;  ///< of the device, printable
  bool adds = true;  ///< it is no other line's, and not metered
  std::string field; ///< what `PeaPod-Exit` calls it
  std::string line;  ///< its name when it is one of several, or empty

  bool operator==(const tunnel_exit&) const = default;
};

/// What the daemon of this device offers to `peapod get`.
struct daemon_lines {
  endpoint proxy;  ///< where it listens, as to be connected to
  tunnel_exit own; ///< this device, or the first of its lines that is up
  std::vector<tunnel_exit> more_own; ///< its other lines that add something
  std::vector<tunnel_exit> peers;

  bool operator==(const daemon_lines&) const = default;
};

/// Reads the answer to `GET /v1/status`: this device's lines that are up, and
/// the peers that are connected, take tunnels and do not pause. Errors:
/// `bad_http` when it is no such answer.
result<daemon_lines> parse_daemon_lines(std::string_view status);

} // namespace peapod
