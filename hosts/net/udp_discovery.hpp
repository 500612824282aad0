#pragma once

#include "actors/ports.hpp"
#include "hosts/net/interfaces.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod::net {

/// How to take part in the discovery group (PROTOCOL-v1, Discovery).
struct discovery_config {
  std::string group = "239.255.60.60"; ///< IPv4 multicast address
  uint16_t port = 45678;               ///< UDP, of the group and of our sockets
  /// Names or addresses of the only interfaces to use; empty: every suitable
  /// one. Needed for loopback, which is never used unless it is listed.
  std::vector<std::string> interfaces;
  /// Where peers are told to connect to: when its address is a specific one,
  /// only the interface with that address is used and datagrams are sent from
  /// it, because a peer dials the source address of a beacon.
  endpoint listen{"0.0.0.0", 0};
};

/// Joins the group on every suitable interface and follows interfaces as they
/// come and go; that there is none yet is not an error. Datagrams are sent from
/// the discovery port with a TTL of 1. Errors: `bad_config`, `address_in_use`,
/// `io_failed`.
result<std::unique_ptr<discovery_port>>
open_discovery(boost::asio::any_io_executor executor, discovery_config config);

/// The address to send from on `interface`, or nothing when discovery does not
/// use it: it is down or cannot multicast; it is loopback, or by its name a
/// bridge or tunnel of containers, machines or VPNs, and not listed; others are
/// listed; or `config.listen` binds us to another address.
std::optional<std::string> discovery_source(const network_interface& interface,
                                            const discovery_config& config);

} // namespace peapod::net
