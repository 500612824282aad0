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
  x.in_flight.reset();
  x.next.reset();
  x.failures = 0;
}

void roster::fail(attempts& x, const error& why, instant now) {
  x.in_flight.reset();
  ++x.failures;
  if (is_misbehaviour(why))
    x.failures = std::max(x.failures, failures_after_misbehaviour);
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

size_t roster::dials_in_flight() const {
  size_t out = 0;
  each_attempts([&out](const attempts& x) { out += x.in_flight ? 1 : 0; });
  return out;
}

/// Whether the device behind a static address needs no dialling there: it has
/// a session, or it beacons and is dialled where it says that it is.
bool roster::is_reached_otherwise(const static_peer& x, instant now) const {
  auto* found = x.id ? find(*x.id) : nullptr;
  if (!found)
    return false;
  auto beacons =
      !found->address.empty() && found->last_seen + config_.forget_after > now;
  return found->session || found->tries.in_flight || beacons;
}

void roster::start(attempts& x, dial what, instant now) {
  x.next.reset();
  x.in_flight = now;
  x.last = now;
  actions_.push_back(std::move(what));
}

void roster::run_due(instant now) {
  auto room =
      config_.max_dials - std::min(config_.max_dials, dials_in_flight());
  auto is_due = [&](const attempts& x) {
    return room > 0 && !x.in_flight && x.next && *x.next <= now;
  };
  for (auto& [id, x] : devices_) {
    if (x.session)
      x.tries.next.reset();
    if (!is_due(x.tries))
      continue;
    dial what{id, x.address, x.port, x.secure};
    if (x.secure)
      what.key = x.key;
    start(x.tries, std::move(what), now);
    --room;
  }
  for (auto& x : statics_) {
    if (!is_due(x.tries))
      continue;
    if (is_reached_otherwise(x, now)) {
      x.tries.next = now + config_.max_backoff;
      continue;
    }
    // What it speaks shows when it is tried.
    auto secure = !config_.legacy || x.tries.failures % 2 == 0;
    start(x.tries, dial{std::nullopt, x.address, x.port, secure}, now);
    --room;
  }
}

} // namespace peapod
