#pragma once

#include "core/types.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// Values that JSON has no form of its own for.
namespace peapod {

/// `text` with a replacement character for whatever is not UTF-8: what other
/// devices and origins say goes into answers that must be.
std::string clean_utf8(std::string_view text);

/// As in `2026-11-22T07:30:00.125Z` (RFC 3339).
std::string rfc3339(std::chrono::system_clock::time_point x);

/// A span of time in seconds.
double json_seconds(duration x);

/// A number that JSON can hold, rounded to six decimals: infinite ones and
/// those that are none become 0.
double json_number(double x);

/// A number, or null.
template <class T>
boost::json::value or_null(const std::optional<T>& x) {
  // Braces around a value would make a list of it.
  return x ? boost::json::value(*x) : boost::json::value();
}

/// The object that `text` holds as JSON, or null.
boost::json::value parsed_object(const std::optional<std::string>& text);

} // namespace peapod
