#include "core/sharing_policy.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

sharing_verdict verdict_of(const share_quota::shortage& x) {
  return {x.of_month ? sharing_obstacle::month_quota
                     : sharing_obstacle::day_quota,
          x.until};
}

} // namespace

std::string_view to_string(sharing_obstacle x) {
  switch (x) {
    case sharing_obstacle::off:
    case sharing_obstacle::peer:
      return "this device does not share";
    case sharing_obstacle::host:
      return "not a host that is fetched from for others";
    case sharing_obstacle::metered:
      return "the connection is metered";
    case sharing_obstacle::on_battery:
      return "it runs on battery";
    case sharing_obstacle::low_battery:
      return "the battery is low";
    case sharing_obstacle::day_quota:
      return "the quota of the day is used up";
    case sharing_obstacle::month_quota:
      return "the quota of the month is used up";
  }
  return "unknown";
}

bool is_lasting(sharing_obstacle x) {
  return x == sharing_obstacle::off || x == sharing_obstacle::peer
         || x == sharing_obstacle::host;
}

sharing_policy::sharing_policy(sharing_config config, quota_usage before)
  : config_(std::move(config)), quota_(config_.limits, before) {}

bool sharing_policy::is_off_for(const device_id& peer) const {
  auto& all = config_.never_peers;
  return std::find(all.begin(), all.end(), peer) != all.end();
}

/// What about this device's line or power stands in everybody's way.
std::optional<sharing_obstacle> sharing_policy::pause() const {
  auto& x = conditions_;
  if (x.metered.value_or(false) && !config_.when_metered)
    return sharing_obstacle::metered;
  auto on_battery = x.on_battery.value_or(false);
  if (on_battery && !config_.on_battery)
    return sharing_obstacle::on_battery;
  if (x.battery && *x.battery < config_.min_battery
      && x.discharging.value_or(on_battery))
    return sharing_obstacle::low_battery;
  return std::nullopt;
}

sharing_verdict sharing_policy::reserve(const device_id& peer,
                                        const url& target, uint64_t bytes) {
  if (!config_.on)
    return {sharing_obstacle::off, {}};
  if (is_off_for(peer))
    return {sharing_obstacle::peer, {}};
  if (!may_fetch(target))
    return {sharing_obstacle::host, {}};
  if (auto why = pause())
    return {why, {}};
  if (auto lacking = quota_.reserve(bytes))
    return verdict_of(*lacking);
  return {};
}

bool sharing_policy::may_fetch(const url& target) const {
  return !covers(config_.never_hosts, target.host, target.port);
}

wire2::sharing sharing_policy::offers(const device_id& peer) const {
  wire2::sharing out;
  out.on = !state().paused && !is_off_for(peer);
  if (config_.rate > 0)
    out.rate_limit = config_.rate;
  out.left_today = quota_.left();
  out.metered = conditions_.metered.value_or(false);
  out.battery = conditions_.battery;
  return out;
}

sharing_state sharing_policy::state() const {
  sharing_state out;
  if (!config_.on)
    out.paused = sharing_obstacle::off;
  else if (auto why = pause())
    out.paused = why;
  else if (auto lacking = quota_.exhausted())
    out.paused = verdict_of(*lacking).obstacle;
  out.used = quota_.usage();
  out.limits = quota_.limits();
  out.conditions = conditions_;
  return out;
}

} // namespace peapod
