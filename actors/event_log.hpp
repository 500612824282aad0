#pragma once

#include "actors/feed.hpp"
#include "actors/observation.hpp"

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace peapod {

/// What happened lately, for those who ask later, and a feed of it for those
/// who follow. Usable from any thread; nobody who follows can hold it up. What
/// happens seldom is kept apart from what anybody can cause as often as it
/// likes.
class event_log {
public:
  /// Numbers `x`, keeps it among the latest and hands it to all who follow.
  void publish(pod_event x);

  /// A feed of what happens from now on, after the kept events whose number is
  /// greater than `since`. It ends to be fed when its owner lets go of it.
  feed_ptr<pod_event> follow(std::optional<uint64_t> since);

  /// How many events there were.
  uint64_t count() const;

private:
  /// What happens to the pod as a whole, what is at work in it, and the actors
  /// that come and go with each connection.
  static constexpr size_t weights = 3;
  static constexpr size_t max_kept = 256; ///< of each weight

  static size_t weight_of(event_kind x);

  mutable std::mutex mutex_;
  uint64_t count_ = 0;
  std::array<std::deque<pod_event>, weights> kept_;
  std::vector<std::weak_ptr<feed<pod_event>>> feeds_;
};

} // namespace peapod
