#pragma once

#include "core/error.hpp"
#include "hosts/net/http_ports.hpp"

#include <string>

/// How connections leave this machine.
namespace peapod::net {

/// The way to the internet.
struct default_way {
  std::string interface;
  std::string gateway;     ///< the next hop; empty on a point-to-point link
  std::string gateway_mac; ///< in hexadecimal; empty while it is not known
};

/// How a connection to a public address would leave that is bound to `from`, by
/// IPv4 or else by IPv6. Asks the kernel, sends nothing and does not wait.
/// Errors: `unreachable` when there is no way, `io_failed` when the kernel does
/// not say.
result<default_way> find_default_way(const source_bind& from);

/// Whether what `from` names is there and up, so that something may leave by
/// it; what names nothing is.
bool is_there(const source_bind& from);

} // namespace peapod::net
