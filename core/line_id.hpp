#pragma once

#include "core/types.hpp"

#include <string_view>

namespace peapod {

/// The id by which one of several lines of a device is told apart as a source:
/// of the device and the line's name, the same after each start. The first line
/// has the device's own id instead.
device_id line_id(const device_id& device, std::string_view name);

} // namespace peapod
