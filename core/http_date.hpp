#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace peapod {

/// A date of HTTP in each of its three forms (RFC 9110, 5.6.7); nothing for
/// anything else. The day of the week is not compared with the date. Years of
/// two digits lie between 1970 and 2069.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

/// The form in which dates are sent: `Sun, 06 Nov 1994 08:49:37 GMT`. Years
/// have four digits.
std::string format_http_date(std::chrono::sys_seconds moment);

/// The date of each answer, written anew only when the second is another one.
class http_date_text {
public:
  /// Stands until the next call.
  std::string_view at(std::chrono::sys_seconds moment);

private:
  std::chrono::sys_seconds moment_{};
  std::string text_;
};

} // namespace peapod
