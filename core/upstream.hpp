#pragma once

#include "core/address_policy.hpp"
#include "core/error.hpp"
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

  bool operator==(const upstream_proxy&) const = default;
};

/// Parses `http://[user[:password]@]host:port`, where user and password may
/// hold `%XX`. Errors: `bad_config`; they never repeat the text, which may hold
/// a password.
result<upstream_proxy> parse_upstream(std::string_view text);

/// One of the targets that are reached without the upstream proxy.
struct no_proxy_entry {
  std::string name;            ///< a host; those below it are meant, too
  std::optional<network> nets; ///< instead of a name
  uint16_t port = 0;           ///< 0: every port
  bool everything = false;     ///< `*`

  bool operator==(const no_proxy_entry&) const = default;
};

/// Parses what curl knows as an entry of NO_PROXY: `*`, a host or `.suffix`
/// (the host and all below it), an address or a network such as `10.0.0.0/8`;
/// hosts and addresses with a port if they are meant with that port alone.
/// Errors: `bad_config`.
result<no_proxy_entry> parse_no_proxy(std::string_view text);

/// How targets are reached.
struct upstream_route {
  std::optional<upstream_proxy> proxy;
  std::vector<no_proxy_entry> except;

  /// The proxy for a target; null: it is reached directly, as this machine
  /// itself always is. Networks are compared with addresses only, names are not
  /// looked up for it.
  const upstream_proxy* to(std::string_view host, uint16_t port) const;
};

} // namespace peapod
