#pragma once

#include "core/host_pattern.hpp"
#include "core/http_message.hpp"
#include "core/share_quota.hpp"
#include "core/types.hpp"
#include "core/wire2_message.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// What this device does for others: whether a range is fetched for a peer.
namespace peapod {

/// What the user decided about it.
struct sharing_config {
  bool on = true;
  std::vector<device_id> never_peers; ///< devices that get nothing
  std::vector<host_pattern> never_hosts;
  uint64_t rate = 0; ///< bytes a second, only told to peers; 0: no bound
  quota_limits limits;
  bool when_metered = false; ///< shares on a metered line, too
  bool on_battery = false;   ///< shares on battery, too
  /// Percent: a battery with less, while it is being discharged, is not used
  /// up for others.
  unsigned min_battery = 30;
};

/// What the device's host sees of its line and its power; nothing: unknown.
struct device_conditions {
  std::optional<bool> metered;    ///< the line is paid for by the byte
  std::optional<bool> on_battery; ///< no mains
  /// The battery gets emptier, which it may do beside weak mains, too.
  std::optional<bool> discharging;
  std::optional<uint8_t> battery; ///< percent; nothing without a battery

  bool operator==(const device_conditions&) const = default;
};

/// Why a range is not fetched.
enum class sharing_obstacle {
  off,         ///< the user has switched sharing off
  peer,        ///< this peer gets nothing
  host,        ///< nothing is fetched from this host
  metered,     ///< the line is metered
  on_battery,  ///< the device runs on battery
  low_battery, ///< the battery runs low
  day_quota,   ///< what may be given away a day is used up
  month_quota, ///< the same for a month
};

/// Words for a peer, the log and the console.
std::string_view to_string(sharing_obstacle x);

/// Whether it stands in the way whenever the peer asks; else it passes.
bool is_lasting(sharing_obstacle x);

/// The answer to one request of one peer.
struct sharing_verdict {
  std::optional<sharing_obstacle> obstacle; ///< nothing: allowed
  /// When asking again makes sense, if that is known.
  std::optional<std::chrono::seconds> retry_after;

  bool allowed() const {
    return !obstacle;
  }

  bool operator==(const sharing_verdict&) const = default;
};

/// How sharing stands, for the device's user.
struct sharing_state {
  std::optional<sharing_obstacle> paused; ///< or off; nothing: it shares
  quota_usage used;
  quota_limits limits;
  device_conditions conditions;

  bool operator==(const sharing_state&) const = default;
};

/// Machine: judges what peers ask for, and keeps account of what they get.
/// What is not known stands in nobody's way.
class sharing_policy {
public:
  /// `before`: what an earlier run gave away.
  explicit sharing_policy(sharing_config config = {}, quota_usage before = {});

  /// The line or the power is like this now.
  void observe(const device_conditions& x) {
    conditions_ = x;
  }

  /// It is `now`; to be told before each question.
  void time_is(const local_time& now) {
    quota_.time_is(now);
  }

  /// Whether `bytes` of `target` are fetched for `peer`. If so they are
  /// reserved, until `settle`.
  sharing_verdict reserve(const device_id& peer, const url& target,
                          uint64_t bytes);

  /// A fetch for which `reserved` bytes were reserved has ended after `used`
  /// ones, at most as many.
  void settle(uint64_t reserved, uint64_t used) {
    quota_.settle(reserved, used);
  }

  /// Whether anything is fetched from there for others: also asked where a
  /// redirect leads.
  bool may_fetch(const url& target) const;

  /// What `peer` is told (PROTOCOL, Protocol 2, Sharing).
  wire2::sharing offers(const device_id& peer) const;

  sharing_state state() const;

private:
  bool is_off_for(const device_id& peer) const;
  std::optional<sharing_obstacle> pause() const;

  sharing_config config_;
  share_quota quota_;
  device_conditions conditions_;
};

} // namespace peapod
