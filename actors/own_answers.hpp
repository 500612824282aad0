#pragma once

#include "actors/error_page.hpp"

#include <optional>

/// Requests that end at the proxy.
namespace peapod {

/// The answer to a request that this proxy is the last one to see: one for the
/// proxy itself, or `OPTIONS` and `TRACE` with no forwards left (RFC 9110,
/// 7.6.2). Else counts a forward off its `Max-Forwards`, if it has one.
std::optional<own_page> answer_here(request_head& request);

} // namespace peapod
