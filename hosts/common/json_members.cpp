#include "hosts/common/json_members.hpp"

#include "hosts/common/terminal_text.hpp"

#include <cmath>

namespace peapod::control {

namespace json = boost::json;

const json::object& object_of(const json::object& in, std::string_view name) {
  static const json::object none;
  auto* x = in.if_contains(name);
  return x != nullptr && x->is_object() ? x->get_object() : none;
}

const json::array& array_of(const json::object& in, std::string_view name) {
  static const json::array none;
  auto* x = in.if_contains(name);
  return x != nullptr && x->is_array() ? x->get_array() : none;
}

uint64_t number(const json::value& x) {
  if (x.is_uint64())
    return x.get_uint64();
  auto out = real(x);
  return out < 0 || out >= 1.8e19 ? 0 : static_cast<uint64_t>(out);
}

double real(const json::value& x) {
  boost::system::error_code ec;
  auto out = x.is_number() ? x.to_number<double>(ec) : 0;
  return ec || !std::isfinite(out) ? 0 : out;
}

uint64_t number_of(const json::object& in, std::string_view name) {
  auto* x = in.if_contains(name);
  return x != nullptr ? number(*x) : 0;
}

double real_of(const json::object& in, std::string_view name) {
  auto* x = in.if_contains(name);
  return x != nullptr ? real(*x) : 0;
}

bool flag_of(const json::object& in, std::string_view name) {
  auto* x = in.if_contains(name);
  return x != nullptr && x->is_bool() && x->get_bool();
}

std::string text(const json::value& x) {
  if (x.is_null())
    return "";
  return printable(x.is_string() ? std::string{x.get_string()}
                                 : json::serialize(x));
}

std::string text_of(const json::object& in, std::string_view name) {
  auto* x = in.if_contains(name);
  return x != nullptr ? text(*x) : "";
}

std::optional<uint64_t> id_of(const json::object& in, std::string_view name) {
  auto* x = in.if_contains(name);
  if (x == nullptr || !x->is_number())
    return std::nullopt;
  return number(*x);
}

std::optional<json::object> parse_object(std::string_view text) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  options.max_depth = 64;
  boost::system::error_code ec;
  auto parsed = json::parse(text, ec, {}, options);
  if (ec || !parsed.is_object())
    return std::nullopt;
  return std::move(parsed.get_object());
}

} // namespace peapod::control
