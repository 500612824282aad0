#include "core/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

constexpr duration aside_time = 30s;

/// Who was given nothing for so long is tried anew, whatever it showed before;
/// and after the longer one who seems of little use, as short bodies give
/// nobody anything.
constexpr duration memory_time = 3s;
constexpr duration long_memory = 30s;
constexpr double little_use = 0.125; ///< of the best rate

/// The rest after a failure, doubled with each one in a row.
constexpr duration first_rest = 200ms;
constexpr duration max_rest = 3s;

/// Wrong hashes weigh more: two are nearly enough.
constexpr unsigned integrity_weight = 2;

/// How often in a row the own line may fail on one body once the spine has
/// ended.
constexpr unsigned max_own_failures = 5;

/// Origins at which is remembered what a source has shown.
constexpr size_t max_origins = 64;

} // namespace

std::string_view to_string(chunk_failure x) {
  switch (x) {
    case chunk_failure::unavailable:
      return "unavailable";
    case chunk_failure::refused:
      return "refused";
    case chunk_failure::mismatch:
      return "another representation";
    case chunk_failure::integrity:
      return "wrong hash";
    case chunk_failure::cancelled:
      return "cancelled";
    case chunk_failure::busy:
      return "busy origin";
  }
  return "unknown";
}

uint64_t scheduler_config::in_flight() const {
  return std::clamp<uint64_t>(memory / 32, 64_KiB, 1_MiB);
}

size_t scheduler_config::most_bodies() const {
  return std::max<size_t>(1, 2 * memory / (2 * chunk_size + in_flight()));
}

// -- sources ------------------------------------------------------------------

void scheduler::source_joined(device_id source, source_traits traits,
                              instant now) {
  remove_source(source, now);
  source_estimate::bounds sizes{config_.chunk_size / 4, config_.chunk_size / 8,
                                largest_lease()};
  auto [i, added] =
      sources_.emplace(source, source_state{.traits = traits,
                                            .estimate = source_estimate{sizes},
                                            .leases = {},
                                            .ghosts = {},
                                            .searches = {},
                                            .origin = {},
                                            .elsewhere = {}});
  remember_lie(source, i->second, now);
  assign(now);
}

void scheduler::source_left(device_id source, instant now) {
  remove_source(source, now);
  assign(now);
  for (auto& [id, body] : bodies_)
    check_hope(id, body, now);
}

void scheduler::remove_source(const device_id& id, instant now) {
  auto i = sources_.find(id);
  if (i == sources_.end())
    return;
  for (auto lease : std::set<lease_id>{i->second.leases}) {
    auto& x = leases_.at(lease);
    auto& body = bodies_.at(x.transfer);
    byte_range rest{x.upto, x.range.end};
    take_back(lease, now);
    for (auto gap = body.returned.first_from(rest.begin);
         gap && gap->begin < rest.end; gap = body.returned.first_from(gap->end))
      body.orphaned.insert(intersection(*gap, rest));
  }
  sources_.erase(i);
  lines_.left(id);
}

// -- bodies -------------------------------------------------------------------

void scheduler::transfer_opened(transfer_id transfer, std::string origin,
                                byte_range body, instant now, duration way) {
  for (auto& [id, source] : sources_)
    turn_to(source, origin, way);
  body_state state;
  state.origin = std::move(origin);
  state.body = body;
  state.spine = state.taken = body.begin;
  state.lead = 2 * config_.chunk_size;
  // So far it comes before anybody's first byte is here.
  if (auto own = own_source())
    state.lead = std::clamp(reach_of_spine(*own), state.lead,
                            std::max(state.lead, window() / 4));
  state.claim_end = state.frontier =
      std::min(body.end, body.begin + state.lead);
  state.speed.started(now);
  state.spine_speed.started(now);
  state.opened = state.spine_heard = state.heard = now;
  if (auto own = own_source(); own && !is_busy(*own))
    own->estimate.started(now);
  bodies_.insert_or_assign(transfer, std::move(state));
  assign(now);
}

void scheduler::transfer_resumed(transfer_id transfer, std::string origin,
                                 byte_range body, body_progress so_far,
                                 instant now) {
  body_state state;
  state.origin = std::move(origin);
  state.body = body;
  state.spine = so_far.spine;
  state.taken = so_far.taken;
  state.lead = 2 * config_.chunk_size;
  state.spine_alive = so_far.spine_alive;
  state.done = std::move(so_far.here);
  // The spine goes on as far as nothing is here.
  auto claim = state.spine + (state.spine_alive ? state.lead : 0);
  if (auto next = state.done.first_from(state.spine))
    claim = std::min(claim, next->begin);
  state.claim_end = std::min(body.end, claim);
  state.frontier = std::max(state.claim_end, state.done.bound());
  for (auto part : {byte_range{body.begin, state.spine},
                    byte_range{state.claim_end, state.frontier}})
    for (auto gap : state.done.gaps(part))
      state.returned.insert(gap);
  state.speed.started(now);
  state.spine_speed.started(now);
  state.opened = state.spine_heard = state.heard = now;
  bodies_.insert_or_assign(transfer, std::move(state));
  assign(now);
  check_hope(transfer, bodies_.at(transfer), now);
}

void scheduler::progressed(transfer_id transfer, uint64_t spine, uint64_t taken,
                           instant now) {
  auto i = bodies_.find(transfer);
  if (i == bodies_.end())
    return;
  auto& body = i->second;
  body.taken = std::max(body.taken, taken);
  if (body.spine_alive && spine > body.spine) {
    byte_range read{body.body.begin, spine};
    note_spine(body, spine - body.spine, now);
    body.speed.arrived(spine - body.spine, now);
    body.spine_speed.arrived(spine - body.spine, now);
    body.spine_heard = body.heard = now;
    // What was dropped behind the spine stays missing.
    body.done.insert({std::exchange(body.spine, spine), spine});
    body.returned.erase(read);
    body.orphaned.erase(read);
    // Who was overtaken by the spine began too near to it.
    bool overtaken = drop_rivals(body, read, 0, now);
    if (overtaken)
      body.lead = std::min(2 * body.lead, config_.memory / 4);
    auto lead = overtaken || body.own_refused ? body.lead : 0;
    body.frontier =
        std::max(body.frontier, std::min(spine + lead, body.body.end));
  }
  assign(now);
}

void scheduler::spine_ended(transfer_id transfer, uint64_t spine, instant now) {
  auto i = bodies_.find(transfer);
  if (i == bodies_.end() || !i->second.spine_alive)
    return;
  auto& body = i->second;
  body.spine_alive = false;
  if (auto own = own_source(); own && !is_busy(*own))
    own->estimate.stopped(now);
  body.own_refused = false;
  spine = std::max(body.spine, spine);
  body.done.insert({std::exchange(body.spine, spine), spine});
  body.frontier = std::max(body.frontier, body.spine);
  // What the spine had claimed and not read is open to everybody.
  body.returned = {};
  body.orphaned = {};
  reopen(body, {body.body.begin, body.frontier});
  assign(now);
  check_hope(i->first, body, now);
}

void scheduler::transfer_closed(transfer_id transfer, instant now) {
  auto i = bodies_.find(transfer);
  if (i == bodies_.end())
    return;
  for (auto lease : std::set<lease_id>{i->second.leases}) {
    call_off(lease, now);
  }
  bool spine = i->second.spine_alive;
  bodies_.erase(i);
  if (auto own = own_source(); own && spine && !is_busy(*own))
    own->estimate.stopped(now);
  assign(now);
}

// -- leases -------------------------------------------------------------------

void scheduler::lease_progressed(lease_id lease, uint64_t upto, instant now) {
  bool free = note_progress(lease, upto, now);
  if (auto i = leases_.find(lease); i != leases_.end()) {
    byte_range rest{i->second.upto, i->second.range.end};
    // Whoever helped has brought its rear already.
    if (!rest.empty() && bodies_.at(i->second.transfer).done.contains(rest)) {
      call_off(lease, now);
      free = true;
    }
  }
  if (free)
    assign(now);
}

void scheduler::lease_done(lease_id lease, instant now) {
  auto i = leases_.find(lease);
  if (i == leases_.end())
    return;
  note_progress(lease, i->second.range.end, now);
  auto& source = sources_.at(i->second.source);
  source.failures = 0;
  auto& x = i->second;
  auto& body = bodies_.at(x.transfer);
  source.estimate.finished(x.range.size(), x.ahead, x.granted,
                           quantum_for(source, body), now);
  if (source.traits.own)
    body.own_failures = 0;
  limits_.answered({x.source, body.origin}, now);
  take_back(lease, now);
  assign(now);
}

void scheduler::lease_failed(lease_id lease, chunk_failure why, uint64_t upto,
                             instant now, std::optional<duration> retry_after) {
  auto i = leases_.find(lease);
  if (i == leases_.end())
    return;
  note_progress(lease, upto, now);
  auto id = i->second.source;
  auto transfer = i->second.transfer;
  auto granted = i->second.granted;
  auto& source = sources_.at(id);
  auto& body = bodies_.at(transfer);
  take_back(lease, now);
  if (why == chunk_failure::cancelled) {
    assign(now);
    return;
  }
  if (why == chunk_failure::busy)
    note_busy(id, source, body, retry_after, now);
  if (source.traits.own && body.spine_alive) {
    body.own_refused = true; // one switch a body: the spine reads on
  } else if (source.traits.own && why == chunk_failure::mismatch) {
    // Of several servers one may have another version than the rest.
    if (own_failures(body, granted, now) >= max_own_failures
        && !std::exchange(body.given_up, true))
      actions_.push_back(give_up{transfer, "the origin's copy has changed"});
  } else if (why == chunk_failure::refused || why == chunk_failure::mismatch
             || (source.traits.own && why != chunk_failure::busy
                 && own_is_hopeless(id, body, granted, now))) {
    body.excluded.insert(id);
    if (why == chunk_failure::refused && !source.traits.own)
      limits_.refused({id, body.origin}, now);
  } else if (why != chunk_failure::busy) {
    note_failure(id, source, why, granted, now);
  }
  assign(now);
  check_hope(transfer, body, now);
}

/// How often in a row the own line, which has failed once more, has failed.
/// What was leased together has failed together.
unsigned scheduler::own_failures(body_state& body, instant granted,
                                 instant now) {
  if (granted >= body.own_failed) {
    body.own_failed = now;
    ++body.own_failures;
  }
  return body.own_failures;
}

/// Whether these are so many that the body has nothing to hope for from it, nor
/// from anybody else.
bool scheduler::own_is_hopeless(const device_id& own, body_state& body,
                                instant granted, instant now) {
  return own_failures(body, granted, now) >= max_own_failures
         && !has_hope(body, now, &own);
}

// -- machine ------------------------------------------------------------------

std::optional<scheduler::action> scheduler::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

// -- observers ----------------------------------------------------------------

std::optional<double> scheduler::rate(device_id source) const {
  auto i = sources_.find(source);
  return i == sources_.end() ? std::nullopt : i->second.estimate.rate();
}

size_t scheduler::peers() const {
  return static_cast<size_t>(
      std::count_if(sources_.begin(), sources_.end(),
                    [](auto& kv) { return !kv.second.traits.direct(); }));
}

// -- bookkeeping --------------------------------------------------------------

uint64_t scheduler::largest_lease() const {
  return std::max(config_.max_lease, config_.chunk_size / 4);
}

/// What a source shows depends on the origin, which may be late or slow: there
/// is an estimate for each. A new one begins with the rate that the source has
/// shown best, and with the way that the body's head took.
void scheduler::turn_to(source_state& source, const std::string& origin,
                        duration way) {
  if (is_busy(source))
    return;
  auto& known = source.elsewhere;
  if (auto was = std::exchange(source.origin, origin);
      !was.empty() && was != origin) {
    known.emplace_back(std::move(was), source.estimate);
    auto i = std::ranges::find(known, origin, [](auto& x) { return x.first; });
    if (i != known.end()) {
      source.estimate = i->second;
      known.erase(i);
    } else {
      auto best = std::ranges::max_element(
          known, {}, [](auto& x) { return x.second.rate().value_or(0); });
      source.estimate = best->second.at_another_origin();
    }
    if (known.size() > max_origins)
      known.pop_front();
  }
  source.estimate.expect(way);
}

/// What the spine reads while another request of the own line is on its way.
uint64_t scheduler::reach_of_spine(const source_state& own) const {
  auto way = std::chrono::duration<double>(own.estimate.latency()).count();
  return static_cast<uint64_t>(own.estimate.rate().value_or(0) * way);
}

void scheduler::give(device_id id, source_state& source,
                     const transfer_id& transfer, body_state& body,
                     byte_range range, bool hedge, instant now) {
  if (!is_busy(source))
    source.estimate.started(now);
  // What somebody else has may be more than this source takes at a time.
  range.end = std::min(range.end, range.begin + largest_lease());
  auto lease = next_lease_++;
  auto ahead = backlog(source) + range.size();
  auto due = now + time_beside(source, range.size());
  leases_.emplace(lease, lease_state{id, transfer, range, range.begin, now, now,
                                     due, ahead, hedge, false});
  source.leases.insert(lease);
  source.leased += range.size();
  body.leases.insert(lease);
  body.returned.erase(range);
  body.orphaned.erase(range);
  if (range.begin > body.frontier)
    reopen(body, {body.frontier, range.begin});
  body.frontier = std::max(body.frontier, range.end);
  if (hedge) {
    body.hedged += range.size();
  } else {
    auto turn = next_turn(body);
    body.served = turn + range.size();
    served_ = std::max(served_, turn);
  }
  actions_.push_back(grant{lease, id, transfer, range, hedge});
}

/// Our own line stops at once, and so does a peer that knows the word. Others
/// go on, and what they are asked next waits for it.
void scheduler::call_off(lease_id id, instant now) {
  auto& lease = leases_.at(id);
  auto& source = sources_.at(lease.source);
  actions_.push_back(cancel{id, lease.source, lease.transfer});
  if (!source.traits.own && !source.traits.stops)
    source.ghosts.push_back({lease.range.end - lease.upto,
                             now + source.estimate.time_for(backlog(source))});
  take_back(id, now);
}

/// Who brings nothing for long is slower than it was.
void scheduler::note_silence(instant now) {
  for (auto& [id, source] : sources_) {
    std::erase_if(source.ghosts, [now](auto& x) { return x.gone <= now; });
    if (source.leases.empty()) {
      if (is_passed_over(id, source, now))
        source.estimate.distrust(now);
      continue;
    }
    auto since = source.heard;
    since = std::max(since, leases_.at(*source.leases.begin()).granted);
    source.estimate.silent(backlog(source), now - since);
  }
}

/// Whether it has long got nothing while others had work: what is known of it
/// may be true no more.
bool scheduler::is_passed_over(const device_id& id, const source_state& source,
                               instant now) const {
  auto rate = source.estimate.rate();
  if (!rate || now <= source.heard + memory_time || is_resting(source, now)
      || std::ranges::none_of(bodies_, [&](auto& kv) {
           return may_serve(id, source, kv.second, now);
         }))
    return false;
  bool others_work = std::ranges::any_of(leases_, [&](auto& kv) {
    return kv.second.granted > source.heard + memory_time / 2;
  });
  bool little = std::ranges::any_of(sources_, [&](auto& kv) {
    return *rate < little_use * kv.second.estimate.rate().value_or(0);
  });
  return others_work || (little && now > source.heard + long_memory);
}

void scheduler::take_back(lease_id id, instant now) {
  auto lease = leases_.at(id);
  auto& source = sources_.at(lease.source);
  auto& body = bodies_.at(lease.transfer);
  source.leases.erase(id);
  source.leased -= lease.range.end - lease.upto;
  body.leases.erase(id);
  leases_.erase(id);
  if (!lease.hedge)
    body.served -= std::min(body.served, lease.range.end - lease.upto);
  if (!is_busy(source))
    source.estimate.stopped(now);
  reopen(body, {lease.upto, lease.range.end});
}

/// What of `range` is neither here nor leased is open to everybody.
void scheduler::reopen(body_state& body, byte_range range) {
  interval_set missing;
  for (auto gap : body.done.gaps(range))
    missing.insert(gap);
  for (auto other : body.leases)
    missing.erase({leases_.at(other).upto, leases_.at(other).range.end});
  for (auto gap = missing.first_from(0); gap;
       gap = missing.first_from(gap->end))
    body.returned.insert(*gap);
}

/// A spine shows what the own line can, too.
void scheduler::note_spine(body_state& body, uint64_t bytes, instant now) {
  auto own = own_source();
  if (!own)
    return;
  own->heard = now;
  own->brought += bytes;
  own->estimate.arrived(bytes, now);
  own->estimate.resize(quantum_for(*own, body));
}

scheduler::source_state* scheduler::own_source() {
  auto i = std::ranges::find_if(sources_,
                                [](auto& kv) { return kv.second.traits.own; });
  return i == sources_.end() ? nullptr : &i->second;
}

/// Whether it is bringing anything: leases, or the own line a spine.
bool scheduler::is_busy(const source_state& source) const {
  return !source.leases.empty()
         || (source.traits.own && std::ranges::any_of(bodies_, [](auto& kv) {
               return kv.second.spine_alive;
             }));
}

/// Returns whether somebody else has become free by it.
bool scheduler::note_progress(lease_id lease, uint64_t upto, instant now) {
  auto i = leases_.find(lease);
  if (i == leases_.end() || upto <= i->second.upto)
    return false;
  auto& x = i->second;
  auto& source = sources_.at(x.source);
  upto = std::min(upto, x.range.end);
  if (source.traits.streams() && x.upto == x.range.begin)
    source.estimate.answered(now - x.granted);
  source.estimate.arrived(upto - x.upto, now);
  source.brought += upto - x.upto;
  source.leased -= upto - x.upto;
  bodies_.at(x.transfer).speed.arrived(upto - x.upto, now);
  byte_range come{std::exchange(x.upto, upto), upto};
  x.heard = source.heard = now;
  x.due = now + source.estimate.time_for(x.range.end - upto);
  x.overdue = false;
  auto& body = bodies_.at(x.transfer);
  body.heard = now;
  // What was dropped of a lease's earlier bytes stays missing.
  body.done.insert(come);
  body.orphaned.erase({x.range.begin, upto});
  return drop_rivals(body, {x.range.begin, upto}, lease, now);
}

/// Calls off what `winner` (0: the spine) has made superfluous; returns
/// whether there was something.
bool scheduler::drop_rivals(const body_state& body, byte_range range,
                            lease_id winner, instant now) {
  bool any = false;
  for (auto id : std::set<lease_id>{body.leases}) {
    auto lease = leases_.at(id);
    byte_range rest{lease.upto, lease.range.end};
    if (id == winner || intersection(rest, range).empty()
        || !body.done.contains(rest))
      continue;
    any = true;
    call_off(id, now);
    // Who froze has failed, even if nobody waits for it any more.
    if (lease.overdue)
      note_failure(lease.source, sources_.at(lease.source),
                   chunk_failure::unavailable, lease.granted, now);
  }
  return any;
}

/// The origin decides how much it takes from this source; the source is as good
/// as before.
void scheduler::note_busy(const device_id& id, source_state& source,
                          body_state& body, std::optional<duration> retry_after,
                          instant now) {
  limits_.turned_away({id, body.origin}, requests_to(source, body.origin),
                      retry_after, now);
}

void scheduler::note_failure(const device_id& id, source_state& source,
                             chunk_failure why, instant granted, instant now) {
  if (source.resting_until > now + max_rest)
    return; // it is set aside; this is an older lease
  // What was leased together has failed together.
  bool again = granted >= std::exchange(source.failed, now);
  if (!again && why == chunk_failure::unavailable
      && source.failures < max_failures)
    return;
  source.failures += why == chunk_failure::integrity ? integrity_weight : 1;
  if (source.failures >= max_failures && !source.traits.own) {
    source.failures = 0;
    source.resting_until = now + aside_time;
    actions_.push_back(set_aside{id, source.resting_until});
    return;
  }
  auto rest = first_rest * (1 << std::min(source.failures - 1, 4u));
  source.resting_until = now + std::min(duration{rest}, max_rest);
}

} // namespace peapod
