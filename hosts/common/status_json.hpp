#pragma once

#include "actors/environment.hpp"
#include "actors/messages.hpp"

#include <string>

namespace peapod {

/// The answer to `GET /v1/status` (docs/CONTROL.md).
std::string to_json(const pod_status& status, const proxy_counters& counters);

/// `{"error": text}`
std::string error_json(const std::string& text);

} // namespace peapod
