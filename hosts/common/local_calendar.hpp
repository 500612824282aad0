#pragma once

#include "core/share_quota.hpp"

#include <ctime>

namespace peapod {

/// The calendar of this machine's time zone at `seconds` since 1970 (UTC),
/// which is `at` by the clock that nobody sets.
local_time local_time_at(std::time_t seconds, instant at);

/// The same now.
local_time local_time_now();

} // namespace peapod
