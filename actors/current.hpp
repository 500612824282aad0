#pragma once

#include "actors/running.hpp"

#include <mutex>
#include <utility>

namespace peapod {

/// The current handle of one actor. Actors restart under new handles, so it is
/// looked up each time. Usable from any thread, also for other values.
template <class Handle>
class current {
public:
  Handle get() const {
    std::lock_guard guard{mutex_};
    return handle_;
  }
  void set(Handle x) {
    std::lock_guard guard{mutex_};
    handle_ = std::move(x);
  }

  void clear() {
    std::lock_guard guard{mutex_};
    handle_ = Handle{};
  }

  /// Sends `x` if there is such an actor now.
  template <class T>
  void tell(T x) const {
    peapod::tell(get(), std::move(x));
  }

private:
  mutable std::mutex mutex_;
  Handle handle_;
};

} // namespace peapod
