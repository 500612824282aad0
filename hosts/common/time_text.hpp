#pragma once

#include "core/types.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace peapod {

/// How long something took, in at most five columns: `0`, `85us`, `1.2ms`,
/// `340ms`, `2.5s`, `90s`, `15m`, `3.5h`. From seconds.
std::string span_text(double seconds);

/// How long something has lasted, in at most five columns: `42s`, `3m05`,
/// `2h07m`, `3d04h`. From seconds.
std::string age_text(double seconds);

/// The local time of day of an RFC 3339 time such as
/// `2026-11-24T15:01:06.123Z`: `16:01:06`, with `.123` when `fractions` is
/// true. Other text is given back cut.
std::string clock_text(std::string_view time, bool fractions = false);

/// The span of a text such as `100ms`, `2s`, `0.5s` or `1m`; nothing for any
/// other text.
std::optional<duration> parse_span(std::string_view text);

} // namespace peapod
