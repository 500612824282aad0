#pragma once

#include "hosts/linux/system_bus_linux.hpp"

#include <functional>
#include <optional>

namespace peapod {

/// Tells whether the line is metered, as NetworkManager knows or guesses it;
/// nothing: unknown. To be called before the bus starts.
void follow_metered(system_bus& bus,
                    std::function<void(std::optional<bool>)> tell);

} // namespace peapod
