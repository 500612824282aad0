#pragma once

#include "core/http_semantics.hpp"

#include <string>

/// What the proxy changes in heads that it passes on.
namespace peapod {

/// What an answer says of protocols: that another one begins, or which one the
/// client is to ask for (RFC 9110, 15.5.22).
upgrades upgrades_of(unsigned status);

/// The request as it goes to the origin, `via_name` being our own in `Via`.
request_head forwarded(const request_head& request,
                       const std::string& via_name);

} // namespace peapod
