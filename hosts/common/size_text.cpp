#include "hosts/common/size_text.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <span>

namespace peapod {

namespace {

struct unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<unit, 10> size_units{{
    {"", 1},
    {"B", 1},
    {"kB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
}};

constexpr std::array<unit, 4> bit_units{{
    {"bit", 1},
    {"kbit", 1'000},
    {"Mbit", 1'000'000},
    {"Gbit", 1'000'000'000},
}};

/// A whole number with one of `units` behind it.
std::optional<uint64_t> parse(std::string_view text,
                              std::span<const unit> units) {
  uint64_t number = 0;
  auto* end = text.data() + text.size();
  auto [rest, ec] = std::from_chars(text.data(), end, number);
  if (ec != std::errc{})
    return std::nullopt;
  std::string_view name{rest, static_cast<size_t>(end - rest)};
  if (name.starts_with(' '))
    name.remove_prefix(1);
  for (auto& x : units) {
    if (x.name != name)
      continue;
    if (number > UINT64_MAX / x.factor)
      return std::nullopt;
    return number * x.factor;
  }
  return std::nullopt;
}

std::string print(double number, const char* unit) {
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%.1f %s", number, unit);
  return out.data();
}

} // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
  return parse(text, size_units);
}

std::optional<uint64_t> parse_rate(std::string_view text) {
  if (text == "0")
    return 0;
  if (!text.ends_with("/s"))
    return std::nullopt;
  text.remove_suffix(2);
  if (auto bits = parse(text, bit_units))
    return *bits / 8;
  return parse(text, size_units);
}

std::string size_text(uint64_t bytes) {
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  constexpr std::array names{"KiB", "MiB", "GiB", "TiB"};
  size_t power = 0;
  while (power + 1 < names.size() && bytes >> (10 * (power + 2)) != 0)
    ++power;
  auto one = uint64_t{1} << (10 * (power + 1));
  if (bytes % one == 0)
    return std::to_string(bytes / one) + " " + names[power];
  return print(static_cast<double>(bytes) / static_cast<double>(one),
               names[power]);
}

std::string rate_text(uint64_t bytes_per_second) {
  auto bits = static_cast<double>(bytes_per_second) * 8;
  if (bits >= 1e9)
    return print(bits / 1e9, "Gbit/s");
  if (bits >= 1e6)
    return print(bits / 1e6, "Mbit/s");
  return print(bits / 1e3, "kbit/s");
}

} // namespace peapod
