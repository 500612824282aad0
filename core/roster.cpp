#include "core/roster.hpp"

#include "core/restart_policy.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

constexpr auto speaks_only_v1 = "it speaks protocol 1 only";
constexpr auto spoke_v2 = "it has spoken protocol 2 and now speaks less";

/// A connection in the local network is made sooner, if it is made at all.
constexpr duration prompt_dial = std::chrono::seconds(2);

void keep_earliest(std::optional<instant>& x, std::optional<instant> y) {
  if (y && (!x || *y < *x))
    x = y;
}

} // namespace

std::string_view to_string(peer_state x) {
  switch (x) {
    case peer_state::known:
      return "known";
    case peer_state::dialling:
      return "dialling";
    case peer_state::waiting:
      return "waiting";
    case peer_state::connected:
      return "connected";
    case peer_state::backing_off:
      return "backing off";
    case peer_state::set_aside:
      return "set aside";
  }
  return "unknown";
}

roster::roster(roster_config config, random_source random)
  : config_(std::move(config)), random_(std::move(random)) {}

// -- facts --------------------------------------------------------------------

void roster::add_static(std::string address, uint16_t port, instant now) {
  static_peer x;
  x.address = std::move(address);
  x.port = port;
  x.tries.next = now;
  statics_.push_back(std::move(x));
  run_due(now);
}

void roster::beacon_heard(const sighting& x, instant now) {
  if (x.id == config_.self || (x.protocol < 2 && !takes_legacy(x.id)))
    return;
  auto* found = find_or_insert(x.id, now);
  if (!found)
    return;
  found->last_seen = now;
  found->key = x.key;
  // A session has proven who it is with, a beacon proves nothing.
  if (!found->confirmed) {
    found->foreign = x.foreign;
    found->secure = x.protocol >= 2;
  }
  if (!found->session && !x.name.empty())
    found->name = x.name;
  if (found->address.empty()) {
    found->address = x.address;
    found->port = x.port;
    found->place_heard = now;
    schedule_first(x.id, *found, now);
  } else if (found->address != x.address || found->port != x.port) {
    move(*found, x, now);
  } else {
    found->place_heard = now;
  }
  run_due(now);
}

void roster::session_established(const link& x, instant now) {
  for (auto& peer : statics_)
    if (x.initiated_by_us && peer.tries.in_flight && peer.address == x.address
        && peer.port == x.port) {
      peer.id = x.id;
      settle(peer.tries);
    }
  auto refuse = [&](std::string why) {
    actions_.push_back(drop{x.connection, std::move(why)});
  };
  if (x.id == config_.self)
    return refuse("connected to ourselves");
  if (!x.secure && !takes_legacy(x.id))
    return refuse(speaks_only_v1);
  auto* found = find_or_insert(x.id, now);
  if (!found)
    return refuse("too many devices");
  if (!x.secure && found->confirmed && found->secure)
    return refuse(spoke_v2);
  if (x.initiated_by_us)
    found->tries.in_flight.reset();
  found->key = x.key;
  found->foreign = x.foreign;
  found->secure = x.secure;
  found->confirmed = true;
  if (!x.name.empty())
    found->name = x.name;
  if (found->session && !keeps_new(x.id, *found, x))
    refuse("another connection to the same device stays");
  else
    take_session(x.id, *found, x, now);
  run_due(now);
}

void roster::session_ready(device_id id, uint64_t connection) {
  auto* x = find(id);
  if (x && x->session && x->session->connection == connection)
    x->session->waits = false;
}

void roster::dial_failed(const dial& what, const error& why, instant now) {
  if (what.id) {
    auto* x = find(*what.id);
    if (x && x->session)
      x->tries.in_flight.reset();
    else if (x && x->tries.in_flight)
      fail(x->tries, why, now);
  } else {
    for (auto& x : statics_)
      if (x.tries.in_flight && x.address == what.address && x.port == what.port)
        fail(x.tries, why, now);
  }
  expire(now);
}

void roster::session_lost(device_id id, uint64_t connection, const error& why,
                          instant now) {
  auto* x = find(id);
  if (!x || !x->session || x->session->connection != connection)
    return;
  auto last = *std::exchange(x->session, std::nullopt);
  actions_.push_back(peer_down{id, to_string(why)});
  schedule_after_loss(id, *x, last, why, now);
  run_due(now);
}

void roster::goodbye(device_id id, uint64_t connection, instant now) {
  auto* x = find(id);
  if (!x || !x->session || x->session->connection != connection)
    return;
  actions_.push_back(drop{connection, "the peer leaves"});
  actions_.push_back(peer_down{id, "the peer leaves"});
  actions_.push_back(forgotten{id});
  devices_.erase(id);
  for (auto& peer : statics_)
    if (peer.id == id && !peer.tries.in_flight)
      peer.tries.next = now + jittered(config_.max_backoff, random_);
}

void roster::set_aside(device_id id, instant until) {
  if (auto* x = find(id))
    x->set_aside_until = until;
}

// -- queries ------------------------------------------------------------------

result<void> roster::admit(device_id id, std::string_view address, instant now,
                           bool secure) const {
  auto refuse = [](const char* why) {
    return make_error(errc::policy_refused, why);
  };
  if (id == config_.self)
    return refuse("it is this device itself");
  auto* x = find(id);
  if (!x && !has_room())
    return make_error(errc::limit_reached, "too many devices");
  if (!secure && !takes_legacy(id))
    return refuse(speaks_only_v1);
  if (!secure && x && x->confirmed && x->secure)
    return refuse(spoke_v2);
  // Whoever has not shown that it is one of ours may be a foreign daemon.
  auto may_be_foreign = !secure && (!x || x->foreign);
  auto dials_address = [&](auto& peer) {
    return peer.tries.in_flight && now - *peer.tries.in_flight < prompt_dial
           && peer.address == address;
  };
  if (may_be_foreign && std::ranges::any_of(statics_, dials_address))
    return refuse("we are connecting to it");
  if (!x)
    return {};
  if (!secure && x->foreign && (x->session || x->tries.in_flight))
    return refuse("a foreign daemon does not survive a second connection");
  if (x->session && x->session->initiated_by_us && config_.self < id)
    return refuse("our own connection to it stays");
  return {};
}

bool roster::should_reply(device_id id, instant now) const {
  auto* x = find(id);
  return !x || !x->quiet_until || *x->quiet_until <= now;
}

bool roster::should_announce(instant now) const {
  return !pause_begin_ || now >= pause_end_ || has_foreign_session();
}

std::vector<roster::entry> roster::list(instant now) const {
  std::vector<entry> out;
  out.reserve(devices_.size());
  for (auto& [id, x] : devices_) {
    std::optional<uint64_t> connection;
    if (x.session)
      connection = x.session->connection;
    out.push_back({id, x.key, x.name, x.address, x.port, x.foreign, x.secure,
                   is_static(id), state_of(x, now), connection, x.last_seen});
  }
  return out;
}

// -- the machine --------------------------------------------------------------

std::optional<roster::action> roster::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

std::optional<instant> roster::deadline() const {
  std::optional<instant> out;
  auto may_dial = dials_in_flight() < config_.max_dials;
  each_attempts([&](const attempts& x) {
    if (x.in_flight)
      keep_earliest(out, *x.in_flight + config_.dial_timeout);
    else if (may_dial)
      keep_earliest(out, x.next);
  });
  for (auto& [id, x] : devices_) {
    keep_earliest(out, x.quiet_until);
    if (!x.session && !x.tries.in_flight && !x.quiet_until)
      keep_earliest(out, x.last_seen + config_.forget_after);
  }
  return out;
}

void roster::expire(instant now) {
  time_out(now);
  for (auto& [id, x] : devices_)
    if (x.quiet_until && *x.quiet_until <= now)
      x.quiet_until.reset();
  forget_silent(now);
  run_due(now);
}

// -- the table ----------------------------------------------------------------

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

roster::device* roster::find_or_insert(device_id id, instant now) {
  if (auto* x = find(id))
    return x;
  if (!make_room())
    return nullptr;
  auto* x = &devices_[id];
  x->last_seen = now;
  return x;
}

bool roster::has_room() const {
  auto idle = [](auto& x) {
    return !x.second.session && !x.second.tries.in_flight;
  };
  return devices_.size() < config_.max_devices
         || std::ranges::any_of(devices_, idle);
}

/// Evicts one idle device when the table is full: anybody can invent devices,
/// so those that never had a session go first, then the longest silent.
bool roster::make_room() {
  if (devices_.size() < config_.max_devices)
    return true;
  auto victim = devices_.end();
  for (auto i = devices_.begin(); i != devices_.end(); ++i) {
    auto& x = i->second;
    if (x.session || x.tries.in_flight)
      continue;
    auto rank = [](const device& y) {
      return std::pair{y.confirmed, y.last_seen};
    };
    if (victim == devices_.end() || rank(x) < rank(victim->second))
      victim = i;
  }
  if (victim == devices_.end())
    return false;
  actions_.push_back(forgotten{victim->first});
  devices_.erase(victim);
  return true;
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

// -- sessions -----------------------------------------------------------------

/// Which of two sessions with a device stays. Two from the same side: the
/// newer one, because that side would not have connected again for nothing.
bool roster::keeps_new(device_id id, const device& x, const link& to) const {
  if (x.session->initiated_by_us == to.initiated_by_us)
    return true;
  if (x.foreign)
    return to.initiated_by_us;
  return to.initiated_by_us == (config_.self < id);
}

void roster::take_session(device_id id, device& x, const link& to,
                          instant now) {
  if (x.session)
    actions_.push_back(
        drop{x.session->connection, "another connection took its place"});
  x.session = session_info{to.connection, to.initiated_by_us, now, to.waits};
  x.tries.next.reset();
  x.quiet_until.reset();
  actions_.push_back(peer_up{id, to.connection});
}

bool roster::has_foreign_session() const {
  return std::ranges::any_of(
      devices_, [](auto& x) { return x.second.foreign && x.second.session; });
}

} // namespace peapod
