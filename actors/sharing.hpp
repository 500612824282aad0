#pragma once

#include "actors/messages.hpp"
#include "core/sharing_policy.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

/// What this device gives to others, for the actors of one pod and its host.
namespace peapod {

class sharing_gate;

/// The permission to fetch one range for a peer. What has come of it by its end
/// counts, however it ends; the rest may be given to others again.
class sharing_pass {
public:
  sharing_pass(sharing_pass&& other) noexcept;
  sharing_pass& operator=(sharing_pass&& other) noexcept;
  ~sharing_pass() {
    settle();
  }

  /// `bytes` more of the range have come.
  void count(uint64_t bytes) {
    used_ += bytes;
  }

private:
  friend class sharing_gate;
  sharing_pass(std::shared_ptr<sharing_gate> gate, uint64_t reserved)
    : gate_(std::move(gate)), reserved_(reserved) {}

  void settle() noexcept;

  std::shared_ptr<sharing_gate> gate_;
  uint64_t reserved_ = 0;
  uint64_t used_ = 0;
};

/// A permission, or what to tell the peer instead.
struct sharing_answer {
  std::optional<sharing_pass> pass;
  sharing_verdict verdict;

  /// What the peer is told (PROTOCOL, Protocol 2, FetchFailed), without a pass.
  wire2::fetch_failure failure() const;
  std::string text() const;
};

/// Machine of the pod's policy behind a lock: all members may be called from
/// any thread. It outlives what is fetched.
class sharing_gate : public std::enable_shared_from_this<sharing_gate> {
public:
  using calendar = std::function<local_time()>;

  /// Without a calendar it is always the same day.
  explicit sharing_gate(sharing_config config = {}, quota_usage before = {},
                        calendar now = nullptr);

  sharing_gate(const sharing_gate&) = delete;
  sharing_gate& operator=(const sharing_gate&) = delete;

  /// Whether `bytes` of `target` may be fetched for `peer` now.
  sharing_answer ask(const device_id& peer, const url& target, uint64_t bytes);

  /// Whether anything is fetched from there for others. Never waits.
  bool may_fetch(const url& target) const;

  /// The line or the power is like this now.
  void observe(const device_conditions& x);

  /// What `peer` is told (PROTOCOL, Protocol 2, Sharing).
  wire2::sharing offers(const device_id& peer) const;

  /// How it stands, for this device's user.
  sharing_state state() const;

private:
  friend class sharing_pass;

  /// The machine, which knows what time it is; to be called under the lock.
  sharing_policy& machine() const;

  mutable std::mutex mutex_;
  mutable sharing_policy policy_;
  calendar now_;
};

} // namespace peapod
