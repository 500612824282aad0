#pragma once

#include "core/http_message.hpp"
#include "core/types.hpp"

#include <optional>
#include <string_view>

/// What tells whether a kept connection, or a request sent on one that ended,
/// may be used again.
namespace peapod::net {

/// Whether a request by this method may be sent twice (RFC 9110, 9.2.2).
bool is_idempotent(std::string_view method);

/// How long the origin says that it waits for another request, a day at most
/// (`Keep-Alive: timeout=5, max=100`; RFC 2068, 19.7.1.1). Nothing if it does
/// not say.
std::optional<duration> keep_alive_time(const http_fields& fields);

} // namespace peapod::net
