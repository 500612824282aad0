#include "actors/event_log.hpp"

namespace peapod {

void event_log::publish(pod_event x) {
  std::lock_guard guard{mutex_};
  x.seq = ++count_;
  x.time = std::chrono::system_clock::now();
  // Under the lock, so that all feeds have the order of the numbers.
  std::erase_if(feeds_, [&](auto& entry) {
    auto feed = entry.lock();
    if (feed)
      feed->put(x);
    return feed == nullptr;
  });
  kept_.push_back(std::move(x));
  if (kept_.size() > max_kept)
    kept_.pop_front();
}

feed_ptr<pod_event> event_log::follow(std::optional<uint64_t> since) {
  auto out = std::make_shared<feed<pod_event>>();
  std::lock_guard guard{mutex_};
  for (auto& x : kept_)
    if (since && x.seq > *since)
      out->put(x);
  feeds_.push_back(out);
  return out;
}

uint64_t event_log::count() const {
  std::lock_guard guard{mutex_};
  return count_;
}

} // namespace peapod
