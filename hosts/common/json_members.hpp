#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace peapod::control {

/// Members of JSON objects that may be missing or of another type: an object,
/// list, text or number then is empty or 0. Text is printable.
const boost::json::object& object_of(const boost::json::object& in,
                                     std::string_view name);
const boost::json::array& array_of(const boost::json::object& in,
                                   std::string_view name);
uint64_t number_of(const boost::json::object& in, std::string_view name);
double real_of(const boost::json::object& in, std::string_view name);
bool flag_of(const boost::json::object& in, std::string_view name);
std::string text_of(const boost::json::object& in, std::string_view name);

/// A number that may be null.
std::optional<uint64_t> id_of(const boost::json::object& in,
                              std::string_view name);

/// A value as a number; 0 for what is none, or out of range.
uint64_t number(const boost::json::value& x);
double real(const boost::json::value& x);

/// A value as printable text: text as it is, everything else as JSON.
std::string text(const boost::json::value& x);

/// Parses an object; nothing for anything else. Text that is not UTF-8 is let
/// in, because the rest of an answer is worth showing.
std::optional<boost::json::object> parse_object(std::string_view text);

} // namespace peapod::control
