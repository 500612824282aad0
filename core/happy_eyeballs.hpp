#pragma once

#include "core/types.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace peapod {

/// The two kinds of addresses that a name can have.
enum class address_family { v6, v4 };

/// How patient Happy Eyeballs is (RFC 8305, 8).
struct happy_eyeballs_timing {
  /// How long IPv4 waits for the addresses of IPv6 to become known.
  duration resolution_delay = std::chrono::milliseconds(50);
  /// How long an attempt is alone before the next one joins it.
  duration attempt_delay = std::chrono::milliseconds(250);
};

/// Machine: in which order, and when, the addresses of a name are tried, until
/// one of them answers (Happy Eyeballs Version 2, RFC 8305). The families are
/// looked up apart and take turns, IPv6 first; who comes late joins the queue.
/// Each family must be told of once.
template <class Candidate>
class happy_eyeballs {
public:
  explicit happy_eyeballs(happy_eyeballs_timing timing = {})
    : timing_(timing) {}

  /// The lookup of a family has ended, with no address if it failed.
  void found(address_family family, std::vector<Candidate> addresses,
             instant now) {
    auto& mine = at(family);
    mine.awaited = false;
    mine.queue = std::move(addresses);
    mine.taken = 0;
    if (family == address_family::v4)
      patience_ = now + timing_.resolution_delay;
    expire(now);
  }

  /// An attempt has failed: the next one need not wait.
  void attempt_failed(instant now) {
    --running_;
    next_ = now;
    expire(now);
  }

  /// The next attempt to begin; nothing when there is none now.
  std::optional<Candidate> poll() {
    return std::exchange(due_, std::nullopt);
  }

  /// When to call `expire`.
  std::optional<instant> deadline() const {
    if (due_ || is_empty())
      return std::nullopt;
    if (begun_)
      return next_;
    return is_patient() ? std::optional{patience_} : std::nullopt;
  }

  void expire(instant now) {
    if (due_ || is_empty())
      return;
    if (begun_ ? now < next_ : (is_patient() && now < patience_))
      return;
    due_ = take();
    begun_ = true;
    ++running_;
    next_ = now + timing_.attempt_delay;
  }

  /// Whether all has been tried and has failed.
  bool exhausted() const {
    return is_empty() && !due_ && running_ == 0
           && !at(address_family::v6).awaited
           && !at(address_family::v4).awaited;
  }

private:
  struct lookup {
    std::vector<Candidate> queue;
    size_t taken = 0; ///< of the queue
    bool awaited = true;

    bool empty() const {
      return taken == queue.size();
    }
  };

  lookup& at(address_family x) {
    return lookups_[static_cast<size_t>(x)];
  }
  const lookup& at(address_family x) const {
    return lookups_[static_cast<size_t>(x)];
  }

  bool is_empty() const {
    return lookups_[0].empty() && lookups_[1].empty();
  }

  /// Whether IPv4 lets IPv6 go first, although that has no address yet.
  bool is_patient() const {
    auto& first = at(address_family::v6);
    return first.awaited && first.empty();
  }

  Candidate take() {
    auto family = at(turn_).empty() ? other(turn_) : turn_;
    turn_ = other(family);
    auto& from = at(family);
    return std::move(from.queue[from.taken++]);
  }

  static address_family other(address_family x) {
    return x == address_family::v6 ? address_family::v4 : address_family::v6;
  }

  happy_eyeballs_timing timing_;
  std::array<lookup, 2> lookups_;
  address_family turn_ = address_family::v6;
  std::optional<Candidate> due_;
  instant patience_{}; ///< until when IPv4 waits for IPv6
  instant next_{};     ///< when the next attempt may begin
  bool begun_ = false;
  size_t running_ = 0;
};

} // namespace peapod
