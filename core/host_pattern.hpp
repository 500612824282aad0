#pragma once

#include "core/address_policy.hpp"
#include "core/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Hosts that a user names: as the exceptions from a proxy, or as those that
/// nothing is fetched from for others.
namespace peapod {

/// One entry of such a list.
struct host_pattern {
  std::string name;            ///< a host; those below it are meant, too
  std::optional<network> nets; ///< instead of a name
  uint16_t port = 0;           ///< 0: every port
  bool everything = false;     ///< `*`

  bool operator==(const host_pattern&) const = default;

  /// Whether a target is meant: `host` in lower case, an IPv6 literal without
  /// its brackets. Networks are compared with addresses only, names are not
  /// looked up for it.
  bool covers(std::string_view host, uint16_t port) const;
};

/// Parses what curl knows as an entry of NO_PROXY: `*`, a host or `.suffix`
/// (the host and all below it), an address or a network such as `10.0.0.0/8`;
/// hosts and addresses with a port if they are meant with that port alone.
/// Errors: `bad_config`.
result<host_pattern> parse_host_pattern(std::string_view text);

/// Whether one of the entries covers a target.
bool covers(const std::vector<host_pattern>& list, std::string_view host,
            uint16_t port);

/// Whether `host` is `name` or ends in `.name`.
bool is_at_or_below(std::string_view host, std::string_view name);

/// `host` without the dots at its end, which make a name absolute (RFC 1034,
/// 3.1) and mean the same here.
std::string_view without_final_dots(std::string_view host);

} // namespace peapod
