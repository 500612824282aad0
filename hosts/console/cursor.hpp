#pragma once

#include "hosts/console/page.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace peapod::console {

/// Which lines of many are shown.
class scroller {
public:
  /// There are `total` lines and room for `height`.
  void settle(size_t total, size_t height) {
    total_ = total;
    height_ = height;
    if (follows_)
      top_ = last_top();
    top_ = std::min(top_, last_top());
  }

  /// Moves; whether the key was one that moves.
  bool take(const input& x) {
    using key = input::key;
    auto page = std::max<size_t>(height_, 2) - 1;
    auto up = [this](size_t n) { top_ -= std::min(n, top_); };
    switch (x.what) {
      case key::up:
        up(1);
        break;
      case key::down:
        ++top_;
        break;
      case key::page_up:
        up(page);
        break;
      case key::page_down:
        top_ += page;
        break;
      case key::home:
        top_ = 0;
        break;
      case key::end:
        top_ = last_top();
        break;
      default:
        return false;
    }
    top_ = std::min(top_, last_top());
    follows_ = can_follow_ && top_ == last_top();
    return true;
  }

  /// Stays at the end while lines are added there.
  void follow() {
    can_follow_ = follows_ = true;
  }

  size_t top() const {
    return top_;
  }
  bool is_following() const {
    return follows_;
  }
  size_t below() const {
    return last_top() - top_;
  }

private:
  size_t last_top() const {
    return total_ - std::min(total_, height_);
  }

  size_t total_ = 0;
  size_t height_ = 0;
  size_t top_ = 0;
  bool can_follow_ = false;
  bool follows_ = false;
};

/// A chosen line of a list whose lines come and go: the choice follows its
/// key, and passes to whoever took the place of one that has gone.
template <class Key>
class list_cursor {
public:
  void settle(std::vector<Key> keys, size_t height) {
    keys_ = std::move(keys);
    height_ = std::max<size_t>(height, 1);
    auto found = std::find(keys_.begin(), keys_.end(), chosen_);
    if (found != keys_.end() && is_set_)
      index_ = static_cast<size_t>(found - keys_.begin());
    keep_in_view();
  }

  bool take(const input& x) {
    using key = input::key;
    auto page = std::max<size_t>(height_, 2) - 1;
    switch (x.what) {
      case key::up:
        index_ -= std::min<size_t>(1, index_);
        break;
      case key::down:
        ++index_;
        break;
      case key::page_up:
        index_ -= std::min(page, index_);
        break;
      case key::page_down:
        index_ += page;
        break;
      case key::home:
        index_ = 0;
        break;
      case key::end:
        index_ = keys_.size();
        break;
      default:
        return false;
    }
    keep_in_view();
    return true;
  }

  /// Chooses a key; it takes effect when it is among the next ones.
  void choose(Key x) {
    chosen_ = std::move(x);
    is_set_ = true;
  }

  std::optional<Key> chosen() const {
    if (keys_.empty())
      return std::nullopt;
    return keys_[index_];
  }

  size_t index() const {
    return index_;
  }
  size_t top() const {
    return top_;
  }

private:
  void keep_in_view() {
    index_ = std::min(index_, keys_.empty() ? 0 : keys_.size() - 1);
    if (!keys_.empty())
      choose(keys_[index_]);
    top_ = std::min(top_, index_);
    if (index_ >= top_ + height_)
      top_ = index_ - height_ + 1;
    top_ = std::min(top_, keys_.size() - std::min(keys_.size(), height_));
  }

  std::vector<Key> keys_;
  size_t height_ = 1;
  size_t index_ = 0;
  size_t top_ = 0;
  Key chosen_{};
  bool is_set_ = false;
};

} // namespace peapod::console
