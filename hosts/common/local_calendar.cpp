#include "hosts/common/local_calendar.hpp"

#include <algorithm>
#include <chrono>

namespace peapod {

namespace {

/// From `now` to the midnight that begins day `mday` of month `mon`, which may
/// be beyond the last one of the month or the year.
std::chrono::seconds until(std::tm day, std::time_t now, int mon, int mday) {
  day.tm_mon = mon;
  day.tm_mday = mday;
  day.tm_hour = day.tm_min = day.tm_sec = 0;
  day.tm_isdst = -1;
  auto then = std::mktime(&day);
  return std::chrono::seconds{std::max<std::time_t>(then - now, 1)};
}

} // namespace

local_time local_time_at(std::time_t seconds, instant at) {
  // Whoever travels changes the zone of a daemon that runs.
  ::tzset();
  std::tm day{};
  ::localtime_r(&seconds, &day);
  local_time out;
  auto year = static_cast<uint32_t>(std::max(day.tm_year + 1900, 0));
  out.month = year * 100 + static_cast<uint32_t>(day.tm_mon + 1);
  out.day = out.month * 100 + static_cast<uint32_t>(day.tm_mday);
  out.day_left = until(day, seconds, day.tm_mon, day.tm_mday + 1);
  out.month_left = until(day, seconds, day.tm_mon + 1, 1);
  out.at = at;
  return out;
}

local_time local_time_now() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return local_time_at(std::time(nullptr),
                       instant{std::chrono::duration_cast<duration>(now)});
}

} // namespace peapod
