#pragma once

#include "hosts/linux/system_bus_linux.hpp"

#include <functional>
#include <optional>

namespace peapod {

/// The power of this device; nothing: unknown, or no battery.
struct battery_state {
  std::optional<bool> discharging;
  std::optional<uint8_t> percent;
};

/// Tells whether the device runs on battery, and how its batteries are, as
/// UPower knows it. To be called before the bus starts.
void follow_power(system_bus& bus,
                  std::function<void(std::optional<bool>)> on_battery,
                  std::function<void(const battery_state&)> battery);

} // namespace peapod
