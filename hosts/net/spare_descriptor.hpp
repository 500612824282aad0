#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace peapod::net {

/// A descriptor that is held for nothing but to be given up: with it, a client
/// can be told that there are no descriptors left.
class spare_descriptor {
public:
  spare_descriptor() {
    take();
  }
  spare_descriptor(const spare_descriptor&) = delete;
  spare_descriptor& operator=(const spare_descriptor&) = delete;
  ~spare_descriptor() {
    give_up();
  }

  /// Takes one, if it has none and there is one.
  void take() {
    if (fd_ < 0)
      fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  /// Whether there was one to give up.
  bool give_up() {
    auto fd = std::exchange(fd_, -1);
    return fd >= 0 && ::close(fd) == 0;
  }

private:
  int fd_ = -1;
};

} // namespace peapod::net
