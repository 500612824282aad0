#pragma once

#include "core/error.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace peapod::net {

/// One address of a network interface; an interface with two addresses is
/// listed twice.
struct network_interface {
  std::string name;
  unsigned index = 0;  ///< changes when a device is replaced
  std::string address; ///< IPv4 or IPv6, without a zone
  unsigned prefix_length = 0;
  std::string peer; ///< with `point_to_point`: the address of the other end
  bool up = false;  ///< up and with a carrier
  bool multicast = false;
  bool loopback = false;
  bool point_to_point = false;

  bool operator==(const network_interface&) const = default;
};

/// Whether it is an IPv6 address that means something on its link only
/// (fe80::/10; RFC 4291, 2.5.6).
bool is_link_local(const network_interface& x);

/// Its address, with its interface as the `%zone` where that is part of it.
std::string address_with_zone(const network_interface& x);

/// The addresses of this machine that can be used: not those that are still
/// looked for on the link (RFC 4862, 5.4). Errors: `io_failed`.
result<std::vector<network_interface>> list_interfaces();

/// All IP addresses of this machine, IPv4 and IPv6, as text without a zone.
/// Errors: `io_failed`.
result<std::vector<std::string>> own_addresses();

/// Tells when interfaces or addresses come and go. Destroying it ends that.
class interface_watcher {
public:
  virtual ~interface_watcher() = default;
};

/// Calls `changed` on `executor` after every change that the operating system
/// announces, perhaps several times for one. Null when it announces none: who
/// watches must also look by itself from time to time.
std::unique_ptr<interface_watcher>
watch_interfaces(boost::asio::any_io_executor executor,
                 std::function<void()> changed);

} // namespace peapod::net
