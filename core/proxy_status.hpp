#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"

#include <optional>
#include <string_view>

namespace peapod {

/// What a PeaPod that stands in between says of a request that it could not
/// pass on: the member `PeaPod` of `Proxy-Status` (RFC 9209, 2), with its error
/// type as the code that it stands for and its details as the detail. Types
/// that speak of the proxy itself, and unknown ones, are `upstream_refused`.
/// Nothing when there is no such member, it has no error, or the field is
/// malformed.
std::optional<error> parse_proxy_status(std::string_view value);

/// The same of an answer; nothing unless its status tells of a failure, too.
std::optional<error> failure_told_by_proxy(const response_head& head);

/// `why` as the answer to a `CONNECT`: nothing of what was to go through the
/// tunnel has gone out yet, which those codes that could mean so do not say.
error as_tunnel_failure(error why);

} // namespace peapod
