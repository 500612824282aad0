#include "core/device_lookup.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace peapod {

namespace {

/// As many candidates as a sentence names.
constexpr size_t max_named = 5;

/// `who` in lower case when it is hexadecimal, else nothing.
std::optional<std::string> hex_digits(std::string_view who) {
  std::string out;
  for (char c : who) {
    bool upper = c >= 'A' && c <= 'F';
    bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!upper && !digit)
      return std::nullopt;
    out += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

error ambiguous(std::string_view who, const std::vector<named_device>& found) {
  std::string out = std::to_string(found.size()) + " devices are called \""
                    + std::string{who} + "\": ";
  for (size_t i = 0; i < std::min(found.size(), max_named); ++i)
    out += (i == 0 ? "" : ", ")
           + (found[i].name.empty() ? "" : found[i].name + " ")
           + to_string(found[i].id);
  if (found.size() > max_named)
    out += ", ...";
  return make_error(errc::mismatch, out + "; name one of them by its id");
}

error unknown(std::string_view who) {
  return make_error(errc::not_found,
                    "there is no device called \"" + std::string{who} + "\"");
}

} // namespace

result<device_id> find_device(std::string_view who,
                              std::span<const named_device> devices) {
  if (who.empty())
    return unknown(who);
  auto digits = hex_digits(who);
  std::vector<named_device> found;
  for (auto& x : devices) {
    auto id = to_string(x.id);
    if (digits == id)
      return x.id;
    bool is_prefix =
        digits && digits->size() >= min_id_prefix && id.starts_with(*digits);
    if (x.name == who || is_prefix)
      found.push_back(x);
  }
  if (found.empty())
    return unknown(who);
  if (found.size() > 1)
    return ambiguous(who, found);
  return found.front().id;
}

} // namespace peapod
