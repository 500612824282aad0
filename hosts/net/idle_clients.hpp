#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace peapod::net {

/// Kept-alive connections of clients that wait for their next request: the
/// first to go when somebody with a request needs the room.
class idle_clients {
public:
  using ticket = uint64_t;

  /// `close` ends the connection's wait.
  ticket enter(std::function<void()> close) {
    waiting_.emplace(++last_, std::move(close));
    return last_;
  }

  void leave(ticket x) {
    waiting_.erase(x);
  }

  /// Closes the one that has been waiting longest; false when none waits.
  bool close_oldest() {
    if (waiting_.empty())
      return false;
    auto close = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    close();
    return true;
  }

private:
  std::map<ticket, std::function<void()>> waiting_;
  ticket last_ = 0;
};

} // namespace peapod::net
