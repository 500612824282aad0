#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace peapod {

/// A date of HTTP in each of its three forms (RFC 9110, 5.6.7); nothing for
/// anything else. The day of the week is not compared with the date. Years of
/// two digits lie between 1970 and 2069.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

} // namespace peapod
