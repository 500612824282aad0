#include "core/handshake_gate.hpp"
#include "core/restart_policy.hpp"
#include "core/roster.hpp"

#include <algorithm>

/// When a roster dials.
namespace peapod {

namespace {

/// Whoever forges beacons from changing ports must not make us dial for each.
constexpr duration min_between_moves = std::chrono::seconds(4);

/// More than the 4 s between two beacons.
constexpr duration place_timeout = std::chrono::seconds(6);

constexpr duration max_pause = std::chrono::seconds(30);

/// The first attempt after a loss: before a second is over, also when whoever
/// runs the roster looks only every 250 ms.
constexpr duration max_first_try = std::chrono::milliseconds(700);

/// How soon a session that is lost in a hurry is made anew.
constexpr duration hurried_redial = std::chrono::milliseconds(100);

/// Backing off starts here when trying again soon is of no use.
constexpr size_t failures_after_misbehaviour = 4;

bool is_misbehaviour(const error& why) {
  return why.code == errc::peer_misbehaved
         || why.code == errc::integrity_failed;
}

} // namespace

// -- planning -----------------------------------------------------------------

void roster::schedule_first(device_id id, device& x, instant now) {
  if (x.session || x.tries.in_flight || x.quiet_until)
    return;
  auto yields = !x.foreign && id < config_.self;
  x.tries.next = yields ? now + config_.yield_to_lower : now;
}

/// The device is heard from another place. Another port: it has restarted.
/// Another address: it has moved when the old one is silent; else it has two,
/// and the other one is worth a try when this one failed.
void roster::move(device& x, const sighting& to, instant now) {
  auto restarted = to.port != x.port;
  auto moved = now - x.place_heard >= place_timeout;
  if (!restarted && !moved && x.tries.failures == 0)
    return;
  x.address = to.address;
  x.port = to.port;
  x.place_heard = now;
  if (restarted)
    x.quiet_until.reset();
  if ((!restarted && !moved) || x.session || x.tries.in_flight || x.quiet_until)
    return;
  auto soonest =
      x.tries.last ? std::max(now, *x.tries.last + min_between_moves) : now;
  if (!x.tries.next || soonest < *x.tries.next)
    x.tries.next = soonest;
}

/// Falls silent so that a foreign peer that was lost takes us back; longer
/// when a second one is lost meanwhile, but for no more than half of the time.
void roster::pause_beacons(instant now) {
  if (!pause_begin_ || now >= pause_end_ + max_pause)
    pause_begin_ = now;
  auto end = std::min(now + config_.foreign_quiet, *pause_begin_ + max_pause);
  pause_end_ = std::max(pause_end_, end);
}

void roster::schedule_after_loss(device_id id, device& x, session_info last,
                                 const error& why, instant now) {
  x.last_seen = now;
  if (is_hurried(now) && !x.foreign && !is_misbehaviour(why)) {
    x.tries.failures = 0;
    if (!x.address.empty() && !x.tries.in_flight)
      x.tries.next = now + hurried_redial;
    for (auto& peer : statics_)
      if (peer.id == id && !peer.tries.in_flight)
        peer.tries.next = now + hurried_redial;
    return;
  }
  auto was_stable = now - last.since >= config_.stable_after;
  if (was_stable)
    x.tries.failures = 0;
  // The first attempt comes soon, also after a session that was lost soon.
  auto step = x.tries.failures;
  x.tries.failures += was_stable ? 0 : 1;
  if (is_misbehaviour(why))
    step = x.tries.failures =
        std::max(x.tries.failures, failures_after_misbehaviour);
  auto longest =
      exponential_delay(config_.first_backoff, config_.max_backoff, step);
  if (step == 0)
    longest = std::min(longest, max_first_try);
  auto delay = jittered(longest, random_);
  if (!last.initiated_by_us)
    delay += config_.yield_to_dialler;
  if (x.foreign) {
    x.quiet_until = now + config_.foreign_quiet;
    delay = std::max(delay, config_.foreign_quiet);
    pause_beacons(now);
  }
  if (!x.address.empty() && !x.tries.in_flight)
    x.tries.next = now + delay;
  for (auto& peer : statics_)
    if (peer.id == id && !peer.tries.in_flight)
      peer.tries.next = now + delay;
}

void roster::settle(attempts& x) const {
  x.land();
  x.next.reset();
  x.failures = 0;
}

void roster::fail(attempts& x, const error& why, instant now) {
  x.land();
  x.why = to_string(why);
  ++x.failures;
  if (is_misbehaviour(why))
    x.failures = std::max(x.failures, failures_after_misbehaviour);
  else if (is_hurried(now))
    x.failures = 0;
  auto delay =
      exponential_delay(config_.first_backoff, config_.max_backoff, x.failures);
  x.next = now + jittered(delay, random_);
}

// -- running ------------------------------------------------------------------

void roster::time_out(instant now) {
  auto why = make_error(errc::timed_out, "nobody told how the attempt ended");
  auto check = [&](attempts& x) {
    if (x.in_flight && *x.in_flight + config_.dial_timeout <= now)
      fail(x, why, now);
  };
  for (auto& [id, x] : devices_)
    check(x.tries);
  for (auto& x : statics_)
    check(x.tries);
}

bool roster::is_hurried(instant now) const {
  return hurry_end_ && now < *hurry_end_;
}

/// Whether the device behind a static address needs no dialling there: it has
/// a session, or it beacons and is dialled where it says that it is. While
/// nobody knows who that is, it is who has a session with that address.
bool roster::is_reached_otherwise(const static_peer& x, instant now) const {
  auto who = x.expected ? x.expected : x.id;
  if (auto* found = who ? find(*who) : nullptr) {
    auto beacons = !found->address.empty()
                   && found->last_seen + config_.forget_after > now;
    return found->session || found->tries.in_flight || beacons;
  }
  return !who && std::ranges::any_of(devices_, [&](auto& entry) {
    auto& y = entry.second;
    auto listens_there = y.address == x.address && y.port == x.port;
    auto came_from_there =
        y.address.empty() && y.session && y.session->remote == x.address;
    return y.session && (listens_there || came_from_there);
  });
}

bool roster::is_due(const attempts& x, instant now) const {
  return !x.in_flight && x.next && *x.next <= now;
}

bool roster::start(attempts& x, dial what, bool vouched, instant now) {
  x.slot = slots_.take(gate_name(what.address), vouched);
  if (!x.slot)
    return false;
  x.next.reset();
  x.in_flight = now;
  x.last = now;
  actions_.push_back(std::move(what));
  return true;
}

void roster::dial_device(device_id id, device& x, instant now) {
  dial what{id, x.address, x.port, x.secure};
  if (x.secure)
    what.key = x.key;
  start(x.tries, std::move(what), standing_of(x) == standing::vouched, now);
}

void roster::dial_static(static_peer& x, instant now) {
  if (is_reached_otherwise(x, now)) {
    x.tries.next = now + config_.max_backoff;
    return;
  }
  // What it speaks shows when it is tried.
  auto secure = !config_.legacy || x.tries.failures % 2 == 0;
  dial what{std::nullopt, x.address, x.port, secure};
  what.expected = x.expected;
  start(x.tries, std::move(what), true, now);
}

/// Those that count go first, then who has waited longest.
void roster::run_due(instant now) {
  using waiting = std::pair<device_id, device*>;
  std::vector<waiting> due;
  for (auto& [id, x] : devices_) {
    if (x.session)
      x.tries.next.reset();
    if (is_due(x.tries, now))
      due.emplace_back(id, &x);
  }
  auto rank = [](const waiting& x) {
    auto vouched = standing_of(*x.second) == standing::vouched;
    return std::pair{!vouched, *x.second->tries.next};
  };
  std::ranges::stable_sort(due, {}, rank);
  for (auto& [id, x] : due)
    dial_device(id, *x, now);
  for (auto& x : statics_)
    if (is_due(x.tries, now))
      dial_static(x, now);
}

} // namespace peapod
