#include "core/http_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace peapod {

namespace {

using std::chrono::sys_seconds;

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr",
                                                  "May", "Jun", "Jul", "Aug",
                                                  "Sep", "Oct", "Nov", "Dec"};

constexpr std::array<std::string_view, 7> week{"Mon", "Tue", "Wed", "Thu",
                                               "Fri", "Sat", "Sun"};

constexpr std::array<std::string_view, 7> long_days{
    "Monday", "Tuesday",  "Wednesday", "Thursday",
    "Friday", "Saturday", "Sunday"};

/// Takes pieces from the beginning of a text; once one is not there, none is.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {}

  scanner& skip(std::string_view what) {
    if (good_ && rest_.starts_with(what))
      rest_.remove_prefix(what.size());
    else
      good_ = false;
    return *this;
  }

  /// Which of `names` stands here, from 0 on.
  template <size_t Size>
  unsigned one_of(const std::array<std::string_view, Size>& names) {
    auto i = std::ranges::find_if(
        names, [this](auto name) { return rest_.starts_with(name); });
    if (i == names.end())
      return good_ = false, 0;
    skip(*i);
    return static_cast<unsigned>(i - names.begin());
  }

  /// A number of so many digits.
  int number(size_t digits) {
    int out = 0;
    auto text = rest_.substr(0, digits);
    auto* end = text.data() + text.size();
    auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() != digits || !std::ranges::all_of(text, is_digit)
        || std::from_chars(text.data(), end, out).ec != std::errc{})
      return good_ = false, 0;
    rest_.remove_prefix(digits);
    return out;
  }

  bool next_is(char c) const {
    return rest_.starts_with(c);
  }

  /// Whether all was there, and nothing else.
  bool is_done() const {
    return good_ && rest_.empty();
  }

private:
  std::string_view rest_;
  bool good_ = true;
};

struct moment {
  int year = 0;
  unsigned month = 0; ///< from 0 on
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void scan_time(scanner& in, moment& out) {
  out.hour = in.number(2);
  out.minute = in.skip(":").number(2);
  out.second = in.skip(":").number(2);
}

/// At least so many digits.
void append_digits(std::string& out, unsigned number, size_t least) {
  auto text = std::to_string(number);
  out.append(least - std::min(least, text.size()), '0').append(text);
}

std::optional<sys_seconds> checked(const scanner& in, const moment& x) {
  using namespace std::chrono;
  auto date = year{x.year} / static_cast<int>(x.month + 1) / x.day;
  // A minute may have a leap second.
  if (!in.is_done() || !date.ok() || x.hour > 23 || x.minute > 59
      || x.second > 60)
    return std::nullopt;
  return sys_days{date} + hours{x.hour} + minutes{x.minute} + seconds{x.second};
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
std::optional<sys_seconds> parse_fixed(std::string_view text) {
  scanner in{text};
  moment out;
  in.one_of(week);
  out.day = in.skip(", ").number(2);
  out.month = in.skip(" ").one_of(months);
  out.year = in.skip(" ").number(4);
  in.skip(" ");
  scan_time(in, out);
  in.skip(" GMT");
  return checked(in, out);
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
std::optional<sys_seconds> parse_rfc850(std::string_view text) {
  scanner in{text};
  moment out;
  in.one_of(long_days);
  out.day = in.skip(", ").number(2);
  out.month = in.skip("-").one_of(months);
  auto year = in.skip("-").number(2);
  out.year = year < 70 ? 2000 + year : 1900 + year;
  in.skip(" ");
  scan_time(in, out);
  in.skip(" GMT");
  return checked(in, out);
}

/// `Sun Nov  6 08:49:37 1994`
std::optional<sys_seconds> parse_asctime(std::string_view text) {
  scanner in{text};
  moment out;
  in.one_of(week);
  out.month = in.skip(" ").one_of(months);
  in.skip(" ");
  out.day = in.next_is(' ') ? in.skip(" ").number(1) : in.number(2);
  in.skip(" ");
  scan_time(in, out);
  out.year = in.skip(" ").number(4);
  return checked(in, out);
}

} // namespace

std::optional<sys_seconds> parse_http_date(std::string_view text) {
  for (auto* parse : {parse_fixed, parse_rfc850, parse_asctime})
    if (auto out = parse(text))
      return out;
  return std::nullopt;
}

std::string format_http_date(sys_seconds moment) {
  using namespace std::chrono;
  auto day = floor<days>(moment);
  year_month_day date{day};
  hh_mm_ss time{moment - day};
  auto unsign = [](auto x) { return static_cast<unsigned>(x.count()); };
  std::string out{week[weekday{day}.iso_encoding() - 1]};
  append_digits(out.append(", "), unsigned{date.day()}, 2);
  out.append(" ").append(months[unsigned{date.month()} - 1]);
  append_digits(out.append(" "), static_cast<unsigned>(int{date.year()}), 4);
  append_digits(out.append(" "), unsign(time.hours()), 2);
  append_digits(out.append(":"), unsign(time.minutes()), 2);
  append_digits(out.append(":"), unsign(time.seconds()), 2);
  return out.append(" GMT");
}

std::string_view http_date_text::at(sys_seconds moment) {
  if (text_.empty() || moment != moment_)
    text_ = format_http_date(moment);
  moment_ = moment;
  return text_;
}

} // namespace peapod
