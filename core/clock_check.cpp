#include "core/clock_check.hpp"

#include <algorithm>
#include <vector>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// What was said earlier does not count.
constexpr duration memory = 1h;

constexpr size_t least_hosts = 3;
constexpr size_t max_hosts = 64;

} // namespace

void clock_check::saw(std::string_view host, std::chrono::sys_seconds date,
                      instant now) {
  // Dates run to the year 9999 (RFC 9110, 5.6.7), nanoseconds to 2262.
  constexpr auto end = std::chrono::sys_days{std::chrono::year{2200} / 1 / 1};
  if (date < std::chrono::sys_seconds{} || date >= end)
    return;
  voice said{date.time_since_epoch() - now.time_since_epoch(), now};
  auto known = voices_.find(host);
  if (known == voices_.end()) {
    if (voices_.size() >= max_hosts)
      voices_.erase(std::ranges::min_element(
          voices_, {}, [](auto& x) { return x.second.heard; }));
    voices_.emplace(host, said);
  } else if (said.origin >= known->second.origin
             || now - known->second.heard > memory) {
    known->second = said;
  }
}

std::optional<clock_check::judgement>
clock_check::judge(std::chrono::system_clock::time_point clock,
                   instant now) const {
  std::vector<std::chrono::nanoseconds> all;
  for (auto& [host, x] : voices_)
    if (now - x.heard <= memory)
      all.push_back(x.origin);
  if (all.size() < least_hosts)
    return std::nullopt;
  auto middle = all.begin() + static_cast<std::ptrdiff_t>((all.size() - 1) / 2);
  std::ranges::nth_element(all, middle);
  auto ours = clock.time_since_epoch() - now.time_since_epoch();
  return judgement{std::chrono::round<std::chrono::seconds>(*middle - ours),
                   all.size()};
}

} // namespace peapod
