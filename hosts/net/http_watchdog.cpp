#include "hosts/net/http_watchdog.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

constexpr auto unlisted = std::numeric_limits<size_t>::max();

class deadlines;

} // namespace

struct watchdog::state : std::enable_shared_from_this<watchdog::state> {
  state(const asio::any_io_executor& ex, std::function<void()> on_expire);

  deadlines& all;
  std::function<void()> on_expire;
  clock::time_point deadline;
  size_t place = unlisted; // among all of them
  bool armed = false;
  bool expired = false;
};

namespace {

/// All watchdogs of one event loop behind one timer, which sleeps until the
/// earliest deadline that it knew of when it went to sleep. Deadlines are
/// moved away far more often than they pass, so most of the time nothing has
/// to be told to the timer.
class deadlines final : public asio::execution_context::service {
public:
  using key_type = deadlines;
  using state = watchdog::state;
  static asio::execution_context::id id;

  explicit deadlines(asio::execution_context& context)
    : service(context), timer_(static_cast<asio::io_context&>(context)) {}

  void arm(state& x, clock::time_point deadline) {
    if (x.place == unlisted) {
      x.place = all_.size();
      all_.push_back(&x);
    }
    x.deadline = deadline;
    x.armed = true;
    if (deadline < sleeping_until_)
      sleep(deadline);
  }

  void remove(state& x) {
    all_.back()->place = x.place;
    all_[x.place] = all_.back();
    all_.pop_back();
    x.place = unlisted;
    // A sleeping timer would keep the event loop from ending.
    if (all_.empty() && std::exchange(sleeping_until_, never) != never)
      timer_.cancel();
  }

private:
  static constexpr auto never = clock::time_point::max();

  void shutdown() override {
    for (auto* x : all_)
      x->place = unlisted;
    all_.clear();
  }

  void sleep(clock::time_point until) {
    sleeping_until_ = until;
    timer_.expires_at(until);
    timer_.async_wait([this](boost::system::error_code ec) {
      if (!ec)
        wake();
    });
  }

  void wake() {
    auto now = clock::now();
    auto next = never;
    std::vector<std::shared_ptr<state>> due;
    for (auto* x : all_) {
      if (!x->armed)
        continue;
      if (x->deadline <= now)
        due.push_back(x->shared_from_this());
      else
        next = std::min(next, x->deadline);
    }
    sleeping_until_ = never;
    if (next != never)
      sleep(next);
    // Each of them may end or move others.
    for (auto& x : due)
      if (x->armed && x->deadline <= now) {
        x->armed = false;
        x->expired = true;
        x->on_expire();
      }
  }

  asio::steady_timer timer_;
  clock::time_point sleeping_until_ = never;
  std::vector<state*> all_;
};

asio::execution_context::id deadlines::id;

deadlines& deadlines_of(const asio::any_io_executor& ex) {
  return asio::use_service<deadlines>(static_cast<asio::io_context&>(
      asio::query(ex, asio::execution::context)));
}

} // namespace

watchdog::state::state(const asio::any_io_executor& ex,
                       std::function<void()> on_expire)
  : all(deadlines_of(ex)), on_expire(std::move(on_expire)) {}

watchdog::watchdog(const asio::any_io_executor& ex,
                   std::function<void()> on_expire)
  : state_(std::make_shared<state>(ex, std::move(on_expire))) {}

watchdog::~watchdog() {
  state_->armed = false;
  // Not there any more when the event loop is being destroyed.
  if (state_->place != unlisted)
    state_->all.remove(*state_);
}

void watchdog::arm(duration after) {
  state_->expired = false;
  state_->all.arm(*state_, clock::now() + after);
}

void watchdog::disarm() {
  state_->armed = false;
}

bool watchdog::expired() const {
  return state_->expired;
}

} // namespace peapod::net
