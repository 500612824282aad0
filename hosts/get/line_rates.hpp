#pragma once

#include "core/types.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What earlier uploads and downloads have measured of lines, and which line is
/// the best for an upload that cannot be split.
namespace peapod {

/// One measured rate.
struct measured_rate {
  uint64_t rate = 0; ///< bytes a second
  std::chrono::sys_seconds at{};

  bool operator==(const measured_rate&) const = default;
};

/// The name of this device's own line among those of peers' ids.
inline constexpr auto own_line = "own";

/// Rates of lines, by `own_line` or the id of the device (hexadecimal).
struct line_rates {
  std::map<std::string, measured_rate> up;
  std::map<std::string, measured_rate> down;

  bool operator==(const line_rates&) const = default;
};

/// Reads what `to_text` made. What makes no sense, comes from the future, or is
/// older than a day is left out: networks change.
line_rates parse_line_rates(std::string_view text,
                            std::chrono::sys_seconds now);

/// As JSON.
std::string to_text(const line_rates& x);

/// A line that an upload could take.
struct upload_line {
  device_id id;
  std::string name; ///< printable
  bool own = false;
  bool adds = true; ///< it is no other line's, not metered, and not paused
};

/// The line that an upload takes, and why, for people: as in
/// `laptop (measured 48.0 Mbit/s, own line 12.0 Mbit/s)`.
struct line_choice {
  device_id id;
  bool own = true;
  std::string text;
};

/// The line that is best by what is known: that of a peer only if it and the
/// own one were both measured, and it is faster by a quarter at least; by what
/// downloads measured, only if it is twice as fast.
line_choice choose_line(const std::vector<upload_line>& lines,
                        const line_rates& known);

} // namespace peapod
