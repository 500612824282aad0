#pragma once

#include "core/types.hpp"

namespace peapod::net {

/// A clock that also runs while the machine sleeps, unlike
/// `std::chrono::steady_clock` on Linux.
instant boot_time();

} // namespace peapod::net
