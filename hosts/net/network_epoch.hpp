#pragma once

#include <cstdint>

namespace peapod::net {

/// Counts how often this device's networks have changed, or it has slept: what
/// was learnt of a network before need not hold in the one after. For one
/// thread.
class network_epoch {
public:
  uint64_t number() const {
    return number_;
  }

  void next() {
    ++number_;
  }

private:
  uint64_t number_ = 0;
};

} // namespace peapod::net
