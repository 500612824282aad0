#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

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
    std::erase_if(listeners_, [](auto& x) { return x.expired(); });
    for (auto& each : std::vector{listeners_})
      if (auto call = each.lock())
        (*call)();
  }

  /// Calls `f` at the end of each epoch, as long as the result lives.
  [[nodiscard]] std::shared_ptr<void> listen(std::function<void()> f) {
    auto out = std::make_shared<std::function<void()>>(std::move(f));
    listeners_.push_back(out);
    return out;
  }

private:
  uint64_t number_ = 0;
  std::vector<std::weak_ptr<std::function<void()>>> listeners_;
};

} // namespace peapod::net
