#include "core/handshake_gate.hpp"
#include "core/roster.hpp"

#include <algorithm>
#include <utility>

/// Which devices a roster knows.
namespace peapod {

namespace {

/// More than the burst with which a device announces itself (PROTOCOL,
/// Discovery).
constexpr duration steady_after = std::chrono::seconds(3);

} // namespace

bool roster::takes_legacy(device_id id) const {
  return config_.legacy
         && (!config_.legacy_devices || config_.legacy_devices->contains(id));
}

roster::device* roster::find(device_id id) {
  auto i = devices_.find(id);
  return i == devices_.end() ? nullptr : &i->second;
}

const roster::device* roster::find(device_id id) const {
  auto i = devices_.find(id);
  return i == devices_.end() ? nullptr : &i->second;
}

roster::standing roster::standing_of(const device& x) {
  if (x.wanted || x.was_peer)
    return standing::vouched;
  if (x.confirmed)
    return standing::proven;
  return x.last_seen - x.first_seen >= steady_after ? standing::steady
                                                    : standing::fresh;
}

roster::device* roster::find_or_insert(device_id id, const std::string& address,
                                       standing who, instant now) {
  if (auto* x = find(id))
    return x;
  auto place = gate_name(address);
  auto victim = make_room(place, who);
  if (!victim)
    return nullptr;
  if (*victim != devices_.end()) {
    actions_.push_back(forgotten{(*victim)->first});
    devices_.erase(*victim);
  }
  auto* x = &devices_[id];
  x->place = std::move(place);
  x->first_seen = x->last_seen = now;
  return x;
}

/// Of those who count no more than the newcomer, the one who counts least and
/// has been silent longest; a newcomer with a full share displaces one of it.
std::optional<roster::device_table::const_iterator>
roster::make_room(const std::string& place, standing who) const {
  using place_in_table = device_table::const_iterator;
  auto rank = [](const device& x) {
    return std::pair{standing_of(x), x.last_seen};
  };
  auto keep_least = [&](std::optional<place_in_table>& x, place_in_table y) {
    if (!x || rank(y->second) < rank((*x)->second))
      x = y;
  };
  std::optional<place_in_table> least;
  std::optional<place_in_table> least_here;
  size_t here = 0;
  for (auto i = devices_.begin(); i != devices_.end(); ++i) {
    auto& x = i->second;
    auto counts = standing_of(x);
    auto is_here = x.place == place && counts != standing::vouched;
    here += is_here ? 1 : 0;
    if (x.session || x.tries.in_flight || counts > who)
      continue;
    keep_least(least, i);
    if (is_here)
      keep_least(least_here, i);
  }
  if (who != standing::vouched && here >= config_.max_strangers_here)
    return least_here;
  return devices_.size() < config_.max_devices ? devices_.end() : least;
}

bool roster::is_silent(const device& x, instant now) const {
  return !x.session && !x.tries.in_flight && !x.quiet_until
         && x.last_seen + config_.forget_after <= now;
}

void roster::forget_silent(instant now) {
  std::erase_if(devices_, [&](auto& x) {
    if (!is_silent(x.second, now))
      return false;
    actions_.push_back(forgotten{x.first});
    return true;
  });
}

bool roster::is_static(device_id id) const {
  return std::ranges::any_of(statics_, [id](auto& x) { return x.id == id; });
}

peer_state roster::state_of(const device& x, instant now) const {
  if (x.session && x.session->waits)
    return peer_state::waiting;
  if (x.session)
    return x.set_aside_until && *x.set_aside_until > now
               ? peer_state::set_aside
               : peer_state::connected;
  if (x.tries.in_flight)
    return peer_state::dialling;
  return x.tries.failures > 0 || x.quiet_until ? peer_state::backing_off
                                               : peer_state::known;
}

} // namespace peapod
