#include "hosts/common/time_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace peapod {

namespace {

template <class... Ts>
std::string format(const char* how, Ts... values) {
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), how, values...);
  return out.data();
}

/// A number with one decimal while that is worth reading.
std::string scaled(double number, const char* unit) {
  return number < 9.95 ? format("%.1f%s", number, unit)
                       : format("%.0f%s", number, unit);
}

} // namespace

std::string span_text(double seconds) {
  if (!(seconds >= 0.5e-6))
    return "0";
  if (seconds < 0.9995e-3)
    return format("%.0fus", seconds * 1e6);
  if (seconds < 0.9995)
    return scaled(seconds * 1e3, "ms");
  if (seconds < 99.5)
    return scaled(seconds, "s");
  if (seconds < 99.5 * 60)
    return scaled(seconds / 60, "m");
  return scaled(seconds / 3600, "h");
}

std::string age_text(double seconds) {
  auto all = static_cast<unsigned long long>(seconds > 0 ? seconds : 0);
  if (all < 60)
    return format("%llus", all);
  if (all < 3600)
    return format("%llum%02llu", all / 60, all % 60);
  if (all < 86400)
    return format("%lluh%02llum", all / 3600, all / 60 % 60);
  if (all < 100 * 86400)
    return format("%llud%02lluh", all / 86400, all / 3600 % 24);
  return format("%llud", all / 86400);
}

std::string clock_text(std::string_view time, bool fractions) {
  std::string text{time};
  std::tm utc{};
  int end = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &utc.tm_year,
                  &utc.tm_mon, &utc.tm_mday, &utc.tm_hour, &utc.tm_min,
                  &utc.tm_sec, &end)
          != 6
      || !text.ends_with('Z'))
    return text.substr(0, 12);
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  auto moment = timegm(&utc);
  std::tm local{};
  localtime_r(&moment, &local);
  auto out =
      format("%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec);
  if (!fractions)
    return out;
  auto rest = text.substr(static_cast<size_t>(end));
  rest = rest.starts_with('.') ? rest.substr(0, rest.size() - 1) : ".";
  rest.resize(4, '0');
  return out + rest;
}

std::optional<duration> parse_span(std::string_view text) {
  double number = 0;
  auto* end = text.data() + text.size();
  auto [rest, ec] = std::from_chars(text.data(), end, number);
  std::string_view unit{rest, static_cast<size_t>(end - rest)};
  double factor = unit == "ms" ? 1e-3 : unit == "s" ? 1 : unit == "m" ? 60 : 0;
  if (ec != std::errc{} || factor == 0 || !(number >= 0 && number < 1e6))
    return std::nullopt;
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(number * factor));
}

} // namespace peapod
