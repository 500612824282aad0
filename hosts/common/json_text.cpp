#include "hosts/common/json_text.hpp"

#include "core/wire_message.hpp"

#include <boost/json/parse.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace peapod {

std::string clean_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto valid = valid_utf8_prefix(text, text.size());
    out += valid;
    text.remove_prefix(valid.size());
    if (text.empty())
      break;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(1);
  }
  return out;
}

std::string rfc3339(std::chrono::system_clock::time_point x) {
  using namespace std::chrono;
  auto day = floor<days>(x);
  year_month_day date{day};
  hh_mm_ss time{floor<milliseconds>(x - day)};
  std::array<char, 64> out{};
  auto size = std::snprintf(
      out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()),
      static_cast<int>(time.subseconds().count()));
  return {out.data(), static_cast<size_t>(size)};
}

double json_seconds(duration x) {
  return json_number(std::chrono::duration<double>(x).count());
}

double json_number(double x) {
  constexpr double million = 1'000'000;
  if (!std::isfinite(x))
    return 0;
  // Larger ones have no decimals worth rounding, and could overflow.
  return std::abs(x) < million * million ? std::round(x * million) / million
                                         : x;
}

boost::json::value parsed_object(const std::optional<std::string>& text) {
  if (!text)
    return {};
  boost::system::error_code ec;
  auto out = boost::json::parse(
      boost::json::string_view{text->data(), text->size()}, ec);
  return !ec && out.is_object() ? out : boost::json::value{};
}

} // namespace peapod
