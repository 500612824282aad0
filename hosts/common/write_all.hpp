#pragma once

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace peapod {

/// Writes all of `text` to a blocking descriptor, however often it takes. False
/// when that failed; `errno` says why.
inline bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno != EINTR)
      return false;
    if (put > 0)
      text.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

} // namespace peapod
