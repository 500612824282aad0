#include "hosts/net/interfaces.hpp"

#include "core/address_policy.hpp"

namespace peapod::net {

bool is_link_local(const network_interface& x) {
  static const auto link_local = *parse_network("fe80::/10");
  auto ip = parse_ip(x.address);
  return ip && link_local.contains(*ip);
}

std::string address_with_zone(const network_interface& x) {
  return is_link_local(x) ? x.address + '%' + x.name : x.address;
}

} // namespace peapod::net
