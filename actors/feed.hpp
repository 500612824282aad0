#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace peapod {

/// Hands items of one kind from any thread to one reader, which may be slow or
/// stuck: at most `capacity` items wait, later ones are dropped and counted.
template <class T>
class feed {
public:
  explicit feed(size_t capacity = 1024) : capacity_(capacity) {}

  /// What has come since the last call.
  struct batch {
    std::vector<T> items;
    size_t dropped = 0; ///< items that were lost after the last of `items`
    bool ended = false; ///< nothing will follow
  };

  /// Adds an item; from any thread, never blocks for long.
  void put(T item) {
    wake([&] {
      if (items_.size() < capacity_)
        items_.push_back(std::move(item));
      else
        ++dropped_;
    });
  }

  /// Nothing will follow.
  void end() {
    wake([&] { ended_ = true; });
  }

  /// Takes what is there. When there is nothing yet, `ready` is kept and
  /// called once, from any thread and without an item, when there is.
  batch take(std::function<void()> ready) {
    std::lock_guard guard{mutex_};
    batch out;
    out.ended = ended_;
    out.dropped = std::exchange(dropped_, 0);
    out.items.assign(std::make_move_iterator(items_.begin()),
                     std::make_move_iterator(items_.end()));
    items_.clear();
    if (out.items.empty() && out.dropped == 0 && !out.ended)
      ready_ = std::move(ready);
    return out;
  }

private:
  template <class Change>
  void wake(Change change) {
    std::function<void()> ready;
    {
      std::lock_guard guard{mutex_};
      change();
      ready = std::exchange(ready_, nullptr);
    }
    if (ready)
      ready();
  }

  size_t capacity_;
  std::mutex mutex_;
  std::deque<T> items_;
  size_t dropped_ = 0;
  bool ended_ = false;
  std::function<void()> ready_;
};

template <class T>
using feed_ptr = std::shared_ptr<feed<T>>;

} // namespace peapod
