#include "hosts/net/boot_clock.hpp"

#include <chrono>
#include <ctime>

namespace peapod::net {

instant boot_time() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return instant{std::chrono::seconds(now.tv_sec)
                 + std::chrono::nanoseconds(now.tv_nsec)};
}

} // namespace peapod::net
