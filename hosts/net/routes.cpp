#include "hosts/net/routes.hpp"

#include "core/address_policy.hpp"
#include "hosts/net/interfaces.hpp"

#include <algorithm>

namespace peapod::net {

bool is_there(const source_bind& from) {
  if (from.address.empty() && from.interface.empty())
    return true;
  auto all = list_interfaces();
  if (!all)
    return true; // connections will tell
  auto address = parse_ip(from.address);
  return std::ranges::any_of(*all, [&](auto& x) {
    return x.up && (from.interface.empty() || x.name == from.interface)
           && (!address || parse_ip(x.address) == address);
  });
}

#ifndef __linux__

result<default_way> find_default_way(const source_bind&) {
  return make_error(errc::io_failed, "routes are not looked at here");
}

#endif

} // namespace peapod::net
