#include "hosts/net/http_watchdog.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>

namespace peapod::net {

struct watchdog::state : std::enable_shared_from_this<watchdog::state> {
  using clock = std::chrono::steady_clock;

  state(boost::asio::any_io_executor ex, std::function<void()> on_expire)
    : timer(std::move(ex)), on_expire(std::move(on_expire)) {}

  /// Sleeps until the deadline as it is now; it may be later by then.
  void sleep() {
    sleeping = true;
    timer.expires_at(deadline);
    timer.async_wait([weak = weak_from_this()](auto) {
      if (auto self = weak.lock())
        self->wake();
    });
  }

  void wake() {
    sleeping = false;
    if (!armed)
      return;
    if (clock::now() < deadline)
      return sleep();
    armed = false;
    expired = true;
    on_expire();
  }

  boost::asio::steady_timer timer;
  std::function<void()> on_expire;
  clock::time_point deadline;
  bool armed = false;
  bool sleeping = false;
  bool expired = false;
};

watchdog::watchdog(boost::asio::any_io_executor ex,
                   std::function<void()> on_expire)
  : state_(std::make_shared<state>(std::move(ex), std::move(on_expire))) {}

watchdog::~watchdog() = default;

void watchdog::arm(duration after) {
  state_->expired = false;
  state_->armed = true;
  auto before = state_->deadline;
  state_->deadline = state::clock::now() + after;
  // An earlier deadline than the one slept for has to end the sleep.
  if (state_->sleeping && state_->deadline < before)
    state_->timer.cancel();
  else if (!state_->sleeping)
    state_->sleep();
}

void watchdog::disarm() {
  state_->armed = false;
}

bool watchdog::expired() const {
  return state_->expired;
}

} // namespace peapod::net
