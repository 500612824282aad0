#pragma once

#include "core/types.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace peapod {

/// Machine: whether this device's clock is right, by the `Date` of answers
/// (RFC 9110, 6.6.1) that hosts give anyway. Each host has one voice, and no
/// host alone is believed. What was heard stays good when the clock is set.
class clock_check {
public:
  struct judgement {
    std::chrono::seconds behind{}; ///< negative: it is ahead
    size_t hosts = 0;              ///< that say so, by their median
    bool operator==(const judgement&) const = default;
  };

  /// An answer of `host` said that the time is `date`. Caches answer with old
  /// dates, but nobody with one that has not come yet: the latest counts.
  void saw(std::string_view host, std::chrono::sys_seconds date, instant now);

  /// How the clock that shows `clock` stands. Nothing as long as fewer than
  /// three hosts have told the time lately.
  std::optional<judgement> judge(std::chrono::system_clock::time_point clock,
                                 instant now) const;

private:
  /// What the time was at `instant{}`, as a host says.
  struct voice {
    std::chrono::nanoseconds origin{};
    instant heard{};
  };

  std::map<std::string, voice, std::less<>> voices_;
};

} // namespace peapod
