#pragma once

#include "hosts/common/control_routes.hpp"
#include "hosts/net/control_server.hpp"

#include <optional>

namespace peapod {

/// Why a request is refused because of who has made it, or nothing. Web pages
/// cannot reach a Unix socket, but what people put in front of it.
///
/// - `Host`, and the authority of a target that has one, must be `peapod`,
///   `localhost`, 127.0.0.0/8 or `[::1]`, with or without a port: a page whose
///   own name leads to this machine (DNS rebinding) says its own. 403; without
///   exactly one `Host` 400 (RFC 9112, 3.2).
/// - `Origin`, if there is one, must be that of the server itself, and
///   `Sec-Fetch-Site` `same-origin` or `none` (Fetch Metadata). 403.
/// - What changes something needs `Content-Type: application/json`: forms
///   cannot send it, and scripts of other origins only after a preflight, which
///   is never answered (Fetch, 2.2.2). 403.
std::optional<control_refusal> check_access(const net::control_request& x);

} // namespace peapod
