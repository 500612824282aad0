#pragma once

#include "actors/ports.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <utility>

/// Ports made of memory, for a pod without sockets under a virtual clock. This
/// is what runs their callbacks.
namespace peapod::fakes {

/// Runs what a port has to call back: never from within the port's call.
class loop {
public:
  void post(std::function<void()> f) {
    queue_.push_back(std::move(f));
  }

  /// Runs what is there now; returns whether there was something.
  bool run() {
    auto now = std::exchange(queue_, {});
    for (auto& f : now)
      f();
    return !now.empty();
  }

private:
  std::deque<std::function<void()>> queue_;
};

using loop_ptr = std::shared_ptr<loop>;

/// Calls a handler later, once.
template <class T, class U>
void answer(loop& on, handler<T>& to, U outcome) {
  if (auto f = std::exchange(to, nullptr))
    on.post([f, outcome = std::move(outcome)] { f(outcome); });
}

} // namespace peapod::fakes
