#include "hosts/linux/metered_linux.hpp"

#include <utility>

namespace peapod {

namespace {

/// NMMetered of NetworkManager's D-Bus API.
enum nm_metered : uint32_t {
  nm_metered_yes = 1,
  nm_metered_no = 2,
  nm_metered_guess_yes = 3,
  nm_metered_guess_no = 4,
};

std::optional<bool> metered_of(const bus_values& x) {
  switch (value_of<uint32_t>(x, "Metered").value_or(0)) {
    case nm_metered_yes:
    case nm_metered_guess_yes:
      return true;
    case nm_metered_no:
    case nm_metered_guess_no:
      return false;
    default:
      return std::nullopt;
  }
}

} // namespace

void follow_metered(system_bus& bus,
                    std::function<void(std::optional<bool>)> tell) {
  bus.follow(
      {"org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager",
       "org.freedesktop.NetworkManager"},
      [tell = std::move(tell)](const bus_values& x) { tell(metered_of(x)); });
}

} // namespace peapod
