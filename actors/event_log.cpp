#include "actors/event_log.hpp"

#include <algorithm>

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
  auto& kept = kept_[weight_of(x.kind)];
  kept.push_back(std::move(x));
  if (kept.size() > max_kept)
    kept.pop_front();
}

feed_ptr<pod_event> event_log::follow(std::optional<uint64_t> since) {
  auto out = std::make_shared<feed<pod_event>>();
  std::lock_guard guard{mutex_};
  std::vector<const pod_event*> old;
  for (auto& kept : kept_)
    for (auto& x : kept)
      if (since && x.seq > *since)
        old.push_back(&x);
  std::ranges::sort(old, {}, &pod_event::seq);
  for (auto* x : old)
    out->put(*x);
  feeds_.push_back(out);
  return out;
}

size_t event_log::weight_of(event_kind x) {
  switch (x) {
    case event_kind::crashed:
    case event_kind::restarted:
    case event_kind::gave_up:
    case event_kind::hanging:
    case event_kind::peer_trusted:
    case event_kind::peer_untrusted:
    case event_kind::source_lied:
    case event_kind::digest_wrong:
      return 0;
    case event_kind::spawned:
    case event_kind::down:
      return 2;
    default:
      return 1;
  }
}

uint64_t event_log::count() const {
  std::lock_guard guard{mutex_};
  return count_;
}

} // namespace peapod
