#include "hosts/linux/memory_linux.hpp"

#include "core/address_sanitizer.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace peapod {

result<void> hide_memory() {
#ifndef PEAPOD_ADDRESS_SANITIZER
  constexpr rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0
      || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return make_error(errc::io_failed,
                      std::string{"memory cannot be kept out of core dumps: "}
                          + std::strerror(errno));
#endif
  return {};
}

} // namespace peapod
