#pragma once

#include "actors/ports.hpp"
#include "core/address_policy.hpp"
#include "hosts/net/interfaces.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Which interfaces discovery uses, and whom it hears on them.
namespace peapod::net {

/// How to take part in the discovery group (PROTOCOL, Discovery).
struct discovery_config {
  std::string group = "239.255.60.60"; ///< IPv4 multicast address
  uint16_t port = 45678;               ///< UDP, of the groups and our sockets
  /// Names or addresses of the only interfaces to use; empty: every suitable
  /// one. Needed for loopback, which is never used unless it is listed.
  std::vector<std::string> interfaces;
  /// Names of interfaces not to use unless they are listed; `*` stands for any
  /// text.
  std::vector<std::string> exclude;
  /// Where peers are told to connect to: when its address is a specific one,
  /// only the interface with that address is used and datagrams are sent from
  /// it, because a peer dials the source address of a beacon. 0.0.0.0 leaves
  /// IPv6 out.
  endpoint listen{"0.0.0.0", 0};
  std::string group_v6 = "ff02::5045:4150"; ///< link-local multicast address
};

/// The address to send from with this address of an interface, or nothing when
/// discovery does not use it: the interface is down, cannot multicast, or is
/// excluded; it is loopback and not listed; others are listed;
/// `config.listen` binds us to another address; or it is an IPv6 address that
/// is not link-local.
std::optional<std::string> discovery_source(const network_interface& interface,
                                            const discovery_config& config);

/// Whether `name` is `pattern`, in which each `*` stands for any text.
bool matches_pattern(std::string_view pattern, std::string_view name);

/// Whether `address` may be that of a device near by: it is not reachable from
/// anywhere on the internet (`is_public`), or lies in a network of `all`, the
/// addresses of this machine.
bool may_be_near(const std::string& address,
                 std::span<const network_interface> all);

/// What is directly reachable on one interface.
class link {
public:
  /// `all` are the addresses of this machine.
  link(unsigned index, std::span<const network_interface> all);

  /// Whether `source`, the address that a datagram of this interface came
  /// from, is that of a neighbour: in a network of the interface, and neither
  /// the first nor the broadcast address of it; link-local for IPv6, in the
  /// interface's zone.
  bool has(const std::string& source) const;

  bool operator==(const link&) const = default;

private:
  std::string zone_;
  std::vector<network> networks_;
};

} // namespace peapod::net
