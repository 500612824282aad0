#include "core/roster.hpp"

#include "core/handshake_gate.hpp"
#include "core/restart_policy.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

constexpr auto speaks_only_v1 = "it speaks protocol 1 only";
constexpr auto spoke_v2 = "it has spoken protocol 2 and now speaks less";

/// A connection in the local network is made sooner, if it is made at all.
constexpr duration prompt_dial = std::chrono::seconds(2);

/// Of two connections that cross, one stays by whose it is. A connection that
/// comes so long after the session stood does not cross: the other side has
/// lost what stood.
constexpr duration crossing = std::chrono::seconds(3);

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
  : config_(std::move(config)),
    random_(std::move(random)),
    slots_(config_.dials) {}

// -- facts --------------------------------------------------------------------

void roster::add_static(std::string address, uint16_t port, instant now,
                        std::optional<device_id> expected) {
  static_peer x;
  x.address = std::move(address);
  x.port = port;
  x.expected = expected;
  x.tries.next = now;
  statics_.push_back(std::move(x));
  run_due(now);
}

bool roster::beacon_heard(const sighting& x, instant now) {
  if (x.id == config_.self || (x.protocol < 2 && !takes_legacy(x.id)))
    return false;
  auto who = x.wanted ? standing::vouched : standing::fresh;
  auto* found = find_or_insert(x.id, x.address, who, now);
  if (!found)
    return false;
  found->last_seen = now;
  found->key = x.key;
  found->wanted = x.wanted;
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
  // Only this one: whoever sends beacons must not make us look at all others.
  if (is_due(found->tries, now))
    dial_device(x.id, *found, now);
  return true;
}

void roster::session_established(const link& x, instant now) {
  auto refuse = [&](std::string why) {
    actions_.push_back(drop{x.connection, std::move(why)});
  };
  for (auto& peer : statics_) {
    if (!x.initiated_by_us || !peer.tries.in_flight || peer.address != x.address
        || peer.port != x.port)
      continue;
    auto why = make_error(errc::policy_refused, "another device answers there");
    if (peer.expected.value_or(x.id) != x.id) {
      fail(peer.tries, why, now);
      return refuse(why.detail);
    }
    peer.id = x.id;
    settle(peer.tries);
  }
  if (x.id == config_.self)
    return refuse("connected to ourselves");
  if (!x.secure && !takes_legacy(x.id))
    return refuse(speaks_only_v1);
  auto who = x.wanted ? standing::vouched : standing::proven;
  auto* found = find_or_insert(x.id, x.address, who, now);
  if (!found)
    return refuse("too many devices");
  if (!x.secure && found->confirmed && found->secure)
    return refuse(spoke_v2);
  if (x.initiated_by_us)
    found->tries.land();
  found->key = x.key;
  found->wanted = x.wanted;
  found->foreign = x.foreign;
  found->secure = x.secure;
  found->confirmed = true;
  if (!x.name.empty())
    found->name = x.name;
  if (found->session && !keeps_new(x.id, *found, x, now))
    refuse("another connection to the same device stays");
  else
    take_session(x.id, *found, x, now);
  if (x.initiated_by_us)
    clear_place(x);
  run_due(now);
}

/// Who answers at an address is the only one there: others that were heard
/// from it are dialled when they are heard again. A foreign daemon would take
/// a connection for one of them as a second one of ours, and leave.
void roster::clear_place(const link& of) {
  for (auto& [id, x] : devices_)
    if (id != of.id && !x.session && x.address == of.address
        && x.port == of.port) {
      x.address.clear();
      x.tries.next.reset();
    }
}

void roster::session_ready(device_id id, uint64_t connection) {
  auto* x = find(id);
  if (!x || !x->session || x->session->connection != connection)
    return;
  x->session->waits = false;
  x->was_peer = true;
}

void roster::dial_failed(const dial& what, const error& why, instant now) {
  if (what.id) {
    auto* x = find(*what.id);
    if (x && x->session)
      x->tries.land();
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
  actions_.push_back(peer_down{id, to_string(why), !last.waits});
  x->tries.why = to_string(why);
  schedule_after_loss(id, *x, last, why, now);
  run_due(now);
}

void roster::goodbye(device_id id, uint64_t connection, instant now) {
  auto* x = find(id);
  if (!x || !x->session || x->session->connection != connection)
    return;
  actions_.push_back(drop{connection, "the peer leaves"});
  actions_.push_back(peer_down{id, "the peer leaves", !x->session->waits});
  actions_.push_back(forgotten{id});
  devices_.erase(id);
  for (auto& peer : statics_)
    if (peer.id == id && !peer.tries.in_flight)
      peer.tries.next = now + jittered(config_.max_backoff, random_);
}

void roster::reconnect(instant now) {
  hurry_end_ = now + config_.hurry;
  auto begin_anew = [now](attempts& x) {
    x.failures = 0;
    x.last.reset();
    if (!x.in_flight)
      x.next = now;
  };
  for (auto& [id, x] : devices_)
    if (!x.session && !x.quiet_until && !x.address.empty())
      begin_anew(x.tries);
  for (auto& x : statics_)
    if (auto* found = x.id ? find(*x.id) : nullptr; !found || !found->session)
      begin_anew(x.tries);
  run_due(now);
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
  if (!x && !make_room(gate_name(std::string{address}), standing::proven))
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
  auto is_new = x->session && now - x->session->since < crossing;
  if (is_new && x->session->initiated_by_us && config_.self < id)
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
                   is_static(id), state_of(x, now), connection, x.last_seen,
                   x.session ? "" : x.tries.why});
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
  auto look = [&](const attempts& x, const std::string& address, bool vouched) {
    if (x.in_flight)
      keep_earliest(out, *x.in_flight + config_.dial_timeout);
    else if (x.next && slots_.has_room(gate_name(address), vouched))
      keep_earliest(out, x.next);
  };
  for (auto& [id, x] : devices_) {
    look(x.tries, x.address, standing_of(x) == standing::vouched);
    keep_earliest(out, x.quiet_until);
    if (!x.session && !x.tries.in_flight && !x.quiet_until)
      keep_earliest(out, x.last_seen + config_.forget_after);
  }
  for (auto& x : statics_)
    look(x.tries, x.address, true);
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

// -- sessions -----------------------------------------------------------------

/// Which of two sessions with a device stays. Two from the same side, or one
/// long after the other: the newer one, because nobody connects again for
/// nothing.
bool roster::keeps_new(device_id id, const device& x, const link& to,
                       instant now) const {
  if (x.session->initiated_by_us == to.initiated_by_us)
    return true;
  if (x.foreign)
    return to.initiated_by_us;
  // Both sides connected at about the same time, or one has lost what stood.
  if (now - x.session->since >= crossing)
    return true;
  return to.initiated_by_us == (config_.self < id);
}

void roster::take_session(device_id id, device& x, const link& to,
                          instant now) {
  if (x.session)
    actions_.push_back(
        drop{x.session->connection, "another connection took its place"});
  x.session = session_info{to.connection, to.initiated_by_us, now, to.waits,
                           to.address};
  x.tries.next.reset();
  x.quiet_until.reset();
  actions_.push_back(peer_up{id, to.connection});
}

bool roster::has_foreign_session() const {
  return std::ranges::any_of(
      devices_, [](auto& x) { return x.second.foreign && x.second.session; });
}

} // namespace peapod
