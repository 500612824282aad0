#include "hosts/common/watchdog.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

constexpr auto interval = 500ms;
constexpr unsigned turns_to_warn = 10;

std::string after(unsigned turns) {
  auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(turns * interval);
  return " for " + std::to_string(seconds.count()) + " s";
}

} // namespace

watchdog::watchdog(directory_ptr live, boost::asio::any_io_executor io,
                   duration limit, alarm warn, alarm bark)
  : live_(std::move(live)),
    io_(std::move(io)),
    limit_(static_cast<unsigned>(std::max(limit, duration{1s}) / interval)),
    warn_(std::move(warn)),
    bark_(std::move(bark)),
    io_answered_(std::make_shared<std::atomic<bool>>(true)),
    thread_([this] { run(); }) {}

watchdog::~watchdog() {
  {
    std::lock_guard guard{mutex_};
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void watchdog::run() {
  std::unique_lock lock{mutex_};
  while (!wake_.wait_for(lock, interval, [this] { return ending_; })) {
    lock.unlock();
    turn();
    lock.lock();
  }
}

void watchdog::turn() {
  live_->sample();
  for (auto& [id, x] : busy_)
    x.seen = false;
  for (auto& who : live_->records())
    look_at(*who);
  std::erase_if(busy_, [](auto& kv) { return !kv.second.seen; });
  look_at_io();
}

void watchdog::look_at(const actor_record& who) {
  if (who.in_handler() == duration::zero())
    return;
  auto handled = who.row().handled;
  auto& x = busy_[who.id];
  if (x.turns == 0 || x.handled != handled)
    x = {handled, 0, true};
  x.seen = true;
  ++x.turns;
  auto words = who.name() + " hangs: it has been handling " + who.handling()
               + after(x.turns) + " actor=" + std::to_string(who.id);
  if (x.turns == turns_to_warn) {
    live_->publish(event_kind::hanging, who, words);
    warn_(words);
  }
  if (x.turns >= limit_)
    bark(words);
}

/// A thread that does not come to what is posted hangs outside of actors.
void watchdog::look_at_io() {
  io_silent_ = io_answered_->exchange(false) ? 0 : io_silent_ + 1;
  if (io_silent_ == 0)
    boost::asio::post(io_, [answered = io_answered_] { *answered = true; });
  if (io_silent_ >= limit_)
    bark("the thread of the sockets hangs: it has not answered"
         + after(io_silent_));
}

void watchdog::bark(const std::string& what) {
  if (!std::exchange(barked_, true) && bark_)
    bark_(what);
}

} // namespace peapod
