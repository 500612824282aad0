#pragma once

#include <string>
#include <string_view>

namespace peapod {

/// Where the proxy serves its own script, as the target of a request to it.
inline constexpr std::string_view pac_path = "/proxy.pac";

/// The media type that browsers want for it.
inline constexpr std::string_view pac_media_type =
    "application/x-ns-proxy-autoconfig";

/// A proxy auto-configuration script (`FindProxyForURL`) that sends HTTP and
/// HTTPS to the proxy at `address`, as in `127.0.0.1:3128`, and goes direct
/// when nobody answers there. Loopback, names without a dot, `.local` names
/// and addresses that are not public never go to the proxy; a name is not
/// looked up, so one that leads to a private address does.
std::string pac_script(std::string_view address);

} // namespace peapod
