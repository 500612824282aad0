#include "core/pac_script.hpp"

namespace peapod {

namespace {

/// Only what every implementation has is used: no lookups, which would block
/// the browser, and no IPv6 extensions.
constexpr std::string_view head = R"(// PeaPod's proxy auto-configuration
function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (!/^(https?|wss?):/i.test(url)) return "DIRECT";
  if (host.indexOf(":") >= 0) {
    return /^(::1?$|::ffff:|f[cd]|fe[89ab])/.test(host) ? "DIRECT" : viaPod();
  }
  if (host.indexOf(".") < 0 || /\.(localhost|local)$/.test(host))
    return "DIRECT";
  if (/^\d+(\.\d+){3}$/.test(host) && isOurs(host.split("."))) return "DIRECT";
  return viaPod();
}

function isOurs(part) {
  var a = +part[0], b = +part[1];
  return a === 0 || a === 10 || a === 127 || a >= 224 ||
    (a === 100 && b >= 64 && b < 128) || (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
}

function viaPod() {
  return "PROXY )";

constexpr std::string_view tail = R"(; DIRECT";
}
)";

} // namespace

std::string pac_script(std::string_view address) {
  std::string out{head};
  out += address;
  out += tail;
  return out;
}

} // namespace peapod
