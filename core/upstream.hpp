#pragma once

#include "core/error.hpp"
#include "core/host_pattern.hpp"
#include "core/http_message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The proxy that stands between this device and the internet, if one does.
namespace peapod {

/// An HTTP proxy that requests are passed to.
struct upstream_proxy {
  std::string host; ///< lower case; an IPv6 literal without its brackets
  uint16_t port = 0;
  /// The value of `Proxy-Authorization` (RFC 7617), or empty. A secret: it is
  /// neither logged nor shown.
  std::string authorization;
  http_fields connect_fields; ///< go along with each `CONNECT`
  bool tunnels_only = false;  ///< plain requests go through a `CONNECT`, too

  bool operator==(const upstream_proxy&) const = default;
};

/// Parses `http://[user[:password]@]host:port`, where user and password may
/// hold `%XX`. Errors: `bad_config`; they never repeat the text, which may hold
/// a password.
result<upstream_proxy> parse_upstream(std::string_view text);

/// How targets are reached.
struct upstream_route {
  std::optional<upstream_proxy> proxy;
  std::vector<host_pattern> except;
  bool always = false; ///< this machine itself is reached through it, too

  /// The proxy for a target; null: it is reached directly, as this machine
  /// itself is unless `always` is set.
  const upstream_proxy* to(std::string_view host, uint16_t port) const;
};

} // namespace peapod
