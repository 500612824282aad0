#include "hosts/linux/power_linux.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace peapod {

namespace {

constexpr auto service = "org.freedesktop.UPower";

/// UpDeviceState of UPower's D-Bus API: 0 is unknown.
constexpr uint32_t state_discharging = 2;

/// All batteries of the device, as one.
battery_state battery_of(const bus_values& x) {
  battery_state out;
  auto percent = value_of<double>(x, "Percentage");
  if (!value_of<bool>(x, "IsPresent").value_or(false) || !percent
      || !std::isfinite(*percent))
    return out;
  out.percent =
      static_cast<uint8_t>(std::floor(std::clamp(*percent, 0.0, 100.0)));
  if (auto state = value_of<uint32_t>(x, "State").value_or(0))
    out.discharging = state == state_discharging;
  return out;
}

} // namespace

void follow_power(system_bus& bus,
                  std::function<void(std::optional<bool>)> on_battery,
                  std::function<void(const battery_state&)> battery) {
  bus.follow({service, "/org/freedesktop/UPower", "org.freedesktop.UPower"},
             [tell = std::move(on_battery)](const bus_values& x) {
               tell(value_of<bool>(x, "OnBattery"));
             });
  bus.follow({service, "/org/freedesktop/UPower/devices/DisplayDevice",
              "org.freedesktop.UPower.Device"},
             [tell = std::move(battery)](const bus_values& x) {
               tell(battery_of(x));
             });
}

} // namespace peapod
