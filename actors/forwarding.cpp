#include "actors/forwarding.hpp"

namespace peapod {

upgrades upgrades_of(unsigned status) {
  switch (status) {
    case 101:
      return upgrades::keep;
    case 426:
      return upgrades::require;
    default:
      return upgrades::drop;
  }
}

request_head forwarded(const request_head& request,
                       const std::string& via_name) {
  auto out = request;
  // HTTP/2 cannot be read here, so nobody may switch to it.
  bool upgrade = request.fields.find("Upgrade").has_value()
                 && request.version >= 11
                 && request.fields.has_token("Connection", "upgrade")
                 && !request.fields.has_token("Upgrade", "h2c");
  strip_hop_by_hop(out.fields, upgrade ? upgrades::keep : upgrades::drop);
  add_via(out.fields, request.version, via_name);
  // An old client does not know what to wait for (RFC 9110, 10.1.1).
  if (request.version == 10)
    out.fields.erase("Expect");
  out.version = 11;
  return out;
}

} // namespace peapod
