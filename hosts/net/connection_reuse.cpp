#include "hosts/net/connection_reuse.hpp"

#include "core/http_semantics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <system_error>

namespace peapod::net {

bool is_idempotent(std::string_view method) {
  static constexpr std::array<std::string_view, 6> names{
      "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return std::find(names.begin(), names.end(), method) != names.end();
}

std::optional<duration> keep_alive_time(const http_fields& fields) {
  static constexpr std::string_view name = "timeout=";
  constexpr unsigned day = 24 * 3600;
  auto value = fields.joined("Keep-Alive");
  for (auto x : list_members(value)) {
    unsigned seconds = 0;
    if (!equal_ignoring_case(x.substr(0, name.size()), name))
      continue;
    x.remove_prefix(name.size());
    if (std::from_chars(x.data(), x.data() + x.size(), seconds).ec
        == std::errc{})
      return std::chrono::seconds{std::min(seconds, day)};
  }
  return std::nullopt;
}

} // namespace peapod::net
