#include "core/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// What a source is expected to take for a lease before it has shown a rate.
constexpr duration unknown_time = 1s;

/// A lease is overdue after three times its expected time, within bounds that
/// keep a frozen peer from being noticed by the one who waits.
constexpr duration overdue_min = 1s;
constexpr duration overdue_max = 2s;

/// Failures in a row after which a source is set aside, and for how long.
constexpr unsigned max_failures = 5;
constexpr duration aside_time = 30s;

/// Wrong hashes weigh more: two are nearly enough.
constexpr unsigned integrity_weight = 2;

/// How often the own line may fail on one body once the spine has ended.
constexpr unsigned max_own_failures = 5;

/// Who rests longer than this is no hope for a body that waits.
constexpr duration hope_time = 5s;

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
  }
  return "unknown";
}

// -- sources ------------------------------------------------------------------

void scheduler::source_joined(device_id source, source_traits traits,
                              instant now) {
  source_left(source, now);
  sources_[source].traits = traits;
  assign(now);
}

void scheduler::source_left(device_id source, instant now) {
  auto i = sources_.find(source);
  if (i == sources_.end())
    return;
  for (auto lease : std::set<lease_id>{i->second.leases})
    take_back(lease);
  sources_.erase(i);
  assign(now);
}

// -- bodies -------------------------------------------------------------------

void scheduler::transfer_opened(transfer_id transfer, byte_range body,
                                instant now) {
  auto claim = std::min(body.end, body.begin + 2 * config_.chunk_size);
  body_state state;
  state.body = body;
  state.spine = state.delivered = body.begin;
  state.claim_end = state.frontier = claim;
  bodies_.insert_or_assign(transfer, std::move(state));
  assign(now);
}

void scheduler::progressed(transfer_id transfer, uint64_t spine,
                           uint64_t delivered, instant now) {
  auto i = bodies_.find(transfer);
  if (i == bodies_.end())
    return;
  auto& body = i->second;
  body.delivered = std::max(body.delivered, delivered);
  if (body.spine_alive && spine > body.spine) {
    body.spine = spine;
    body.done.insert({body.body.begin, spine});
    body.returned.erase({body.body.begin, spine});
    drop_rivals(body, {body.body.begin, spine}, 0);
    // A spine that cannot hand over is kept ahead of by a little.
    auto lead = body.own_refused ? 2 * config_.chunk_size : 0;
    body.frontier =
        std::max(body.frontier, std::min(spine + lead, body.body.end));
    maybe_switch(i->first, body, now);
  }
  assign(now);
}

void scheduler::spine_ended(transfer_id transfer, uint64_t spine, instant now) {
  auto i = bodies_.find(transfer);
  if (i == bodies_.end() || !i->second.spine_alive)
    return;
  auto& body = i->second;
  body.spine_alive = false;
  body.own_refused = false;
  body.spine = std::max(body.spine, spine);
  body.done.insert({body.body.begin, body.spine});
  body.frontier = std::max(body.frontier, body.spine);
  // What the spine had claimed and not read is open to everybody.
  for (auto gap : body.done.gaps({body.spine, body.claim_end}))
    body.returned.insert(gap);
  body.returned.erase({body.body.begin, body.spine});
  assign(now);
  check_hope(i->first, body, now);
}

void scheduler::transfer_closed(transfer_id transfer, instant now) {
  auto i = bodies_.find(transfer);
  if (i == bodies_.end())
    return;
  for (auto lease : std::set<lease_id>{i->second.leases}) {
    actions_.push_back(cancel{lease, leases_.at(lease).source, transfer});
    take_back(lease);
  }
  bodies_.erase(i);
  assign(now);
}

// -- leases -------------------------------------------------------------------

void scheduler::lease_progressed(lease_id lease, uint64_t upto, instant now) {
  auto i = leases_.find(lease);
  if (i == leases_.end() || upto <= i->second.upto)
    return;
  auto& x = i->second;
  auto& source = sources_.at(x.source);
  upto = std::min(upto, x.range.end);
  source.meter.arrived(upto - x.upto, now);
  x.upto = upto;
  x.granted = now;
  x.overdue = source.stalled = false;
  auto& body = bodies_.at(x.transfer);
  body.done.insert({x.range.begin, upto});
  drop_rivals(body, {x.range.begin, upto}, lease);
}

void scheduler::lease_done(lease_id lease, instant now) {
  auto i = leases_.find(lease);
  if (i == leases_.end())
    return;
  lease_progressed(lease, i->second.range.end, now);
  sources_.at(i->second.source).failures = 0;
  take_back(lease);
  assign(now);
}

void scheduler::lease_failed(lease_id lease, chunk_failure why, uint64_t upto,
                             instant now) {
  auto i = leases_.find(lease);
  if (i == leases_.end())
    return;
  lease_progressed(lease, upto, now);
  auto id = i->second.source;
  auto transfer = i->second.transfer;
  auto& source = sources_.at(id);
  auto& body = bodies_.at(transfer);
  take_back(lease);
  if (why == chunk_failure::cancelled) {
    assign(now);
    return;
  }
  if (source.traits.own && body.spine_alive) {
    body.own_refused = true; // one switch a body: the spine reads on
  } else if (source.traits.own && why == chunk_failure::mismatch) {
    actions_.push_back(give_up{transfer, "the origin's copy has changed"});
  } else if (why == chunk_failure::refused || why == chunk_failure::mismatch
             || (source.traits.own
                 && ++body.own_failures >= max_own_failures)) {
    body.excluded.insert(id);
  } else {
    note_failure(id, source, why, now);
  }
  assign(now);
  check_hope(transfer, body, now);
}

void scheduler::note_failure(const device_id& id, source_state& source,
                             chunk_failure why, instant now) {
  source.failures += why == chunk_failure::integrity ? integrity_weight : 1;
  if (source.failures >= max_failures && !source.traits.own) {
    source.failures = 0;
    source.resting_until = now + aside_time;
    actions_.push_back(set_aside{id, source.resting_until});
    return;
  }
  auto exponent = std::min(source.failures, 5u);
  source.resting_until = now + 100ms * (1 << exponent);
}

// -- machine ------------------------------------------------------------------

std::optional<scheduler::action> scheduler::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

std::optional<instant> scheduler::deadline() const {
  std::optional<instant> out;
  auto consider = [&out](instant at) { out = out ? std::min(*out, at) : at; };
  for (auto& [id, lease] : leases_)
    if (!lease.overdue)
      consider(lease.granted + overdue_after(lease));
  if (!bodies_.empty())
    for (auto& [id, source] : sources_)
      if (source.resting_until != instant{})
        consider(source.resting_until);
  return out;
}

void scheduler::expire(instant now) {
  for (auto& [id, source] : sources_)
    if (source.resting_until <= now)
      source.resting_until = instant{};
  for (auto& [id, lease] : leases_) {
    if (lease.overdue || now < lease.granted + overdue_after(lease))
      continue;
    lease.overdue = true;
    sources_.at(lease.source).stalled = true;
  }
  assign(now);
}

// -- observers ----------------------------------------------------------------

std::optional<double> scheduler::rate(device_id source) const {
  auto i = sources_.find(source);
  return i == sources_.end() ? std::nullopt : i->second.meter.rate();
}

size_t scheduler::peers() const {
  return static_cast<size_t>(
      std::count_if(sources_.begin(), sources_.end(),
                    [](auto& kv) { return !kv.second.traits.own; }));
}

// -- who gets what ------------------------------------------------------------

void scheduler::assign(instant now) {
  // One lease a round and source, so that nobody takes all at once.
  for (bool any = true; any;) {
    any = false;
    for (auto& [id, source] : sources_)
      if (source.leases.size() < max_leases(source))
        any |= assign_one(id, source, now) || hedge_one(id, source, now);
  }
  // Work that nobody finishes goes to whoever may have it, busy or not.
  for (auto& [id, source] : sources_)
    if (source.leases.size() == max_leases(source) && !source.stalled)
      hedge_one(id, source, now);
}

bool scheduler::assign_one(device_id id, source_state& source, instant now) {
  if (source.stalled || source.resting_until > now)
    return false;
  std::vector<std::pair<const transfer_id, body_state>*> order;
  for (auto& kv : bodies_)
    if (may_serve(id, source, kv.second))
      order.push_back(&kv);
  std::stable_sort(order.begin(), order.end(), [](auto* x, auto* y) {
    return x->second.leases.size() < y->second.leases.size();
  });
  for (auto* kv : order) {
    if (auto range = next_range(source, kv->second)) {
      give(id, source, kv->first, kv->second, *range, false, now);
      return true;
    }
  }
  return false;
}

bool scheduler::hedge_one(device_id id, source_state& source, instant now) {
  if (source.stalled || source.resting_until > now)
    return false;
  const lease_state* slowest = nullptr;
  for (auto& [other, lease] : leases_) {
    auto& body = bodies_.at(lease.transfer);
    byte_range rest{lease.upto, lease.range.end};
    bool busy = source.leases.size() >= max_leases(source);
    if (lease.source == id || lease.hedge || rest.empty()
        || (busy && !lease.overdue) || !may_serve(id, source, body)
        || covered_by_other(body, other, rest.begin))
      continue;
    auto& owner = sources_.at(lease.source);
    auto elapsed = now - lease.granted;
    auto needed = expected_time(owner, rest.size());
    auto remaining = std::max(needed - elapsed, elapsed / 2);
    auto ours = expected_time(source, rest.size());
    if (!lease.overdue && remaining * 2 < ours * 3)
      continue;
    if (!slowest || lease.range.begin < slowest->range.begin)
      slowest = &lease;
  }
  if (!slowest)
    return false;
  auto transfer = slowest->transfer;
  give(id, source, transfer, bodies_.at(transfer),
       {slowest->upto, slowest->range.end}, true, now);
  return true;
}

void scheduler::maybe_switch(const transfer_id& id, body_state& body,
                             instant now) {
  if (body.spine + config_.chunk_size / 2 < body.claim_end || body.switching)
    return;
  byte_range ahead{body.claim_end, body.body.end};
  if (body.leases.empty() && !body.done.intersects(ahead)) {
    // Nobody has taken anything: the spine goes on as if alone.
    body.returned = {};
    body.claim_end =
        std::min(body.body.end,
                 std::max(body.claim_end, body.spine) + 2 * config_.chunk_size);
    body.frontier = body.claim_end;
    return;
  }
  auto own = std::find_if(sources_.begin(), sources_.end(),
                          [](auto& kv) { return kv.second.traits.own; });
  if (own == sources_.end() || body.own_refused)
    return;
  body.switching = true;
  auto range = next_range(own->second, body);
  if (!range) {
    body.switching = false; // all is taken; the spine doubles as a hedge
    return;
  }
  actions_.push_back(switch_spine{id, body.claim_end});
  give(own->first, own->second, id, body, *range, false, now);
}

void scheduler::check_hope(const transfer_id& id, body_state& body,
                           instant now) {
  if (body.spine_alive || body.done.contains(body.body) || !body.leases.empty())
    return;
  bool hope = std::any_of(sources_.begin(), sources_.end(), [&](auto& kv) {
    return !body.excluded.contains(kv.first)
           && kv.second.resting_until < now + hope_time;
  });
  if (!hope)
    actions_.push_back(give_up{id, "no device can bring the rest"});
}

// -- rules --------------------------------------------------------------------

bool scheduler::may_serve(const device_id& id, const source_state& source,
                          const body_state& body) const {
  if (body.excluded.contains(id))
    return false;
  if (!source.traits.own || !body.spine_alive)
    return true;
  // While the spine lives the own line has one lease: its successor.
  return body.switching && !body.own_refused
         && std::none_of(
             body.leases.begin(), body.leases.end(),
             [&](lease_id x) { return leases_.at(x).source == id; });
}

size_t scheduler::max_leases(const source_state& source) const {
  return source.traits.foreign ? 1 : 2;
}

uint64_t scheduler::lease_size(const source_state& source,
                               const body_state& body) const {
  auto unit = config_.chunk_size;
  auto rate = source.meter.rate();
  if (source.traits.foreign || !rate)
    return unit;
  auto seconds = std::chrono::duration<double>(config_.quantum).count();
  auto size = static_cast<uint64_t>(*rate * seconds);
  // Towards the end leases shrink, so that all finish together.
  auto share = unassigned(body) / (2 * std::max<size_t>(1, sources_.size()));
  size = std::clamp(size, unit, std::max(unit, config_.max_lease));
  size = std::min(size, std::max(share, unit / 2));
  return std::max<uint64_t>(1, size);
}

std::optional<byte_range> scheduler::next_range(const source_state& source,
                                                const body_state& body) const {
  auto size = lease_size(source, body);
  auto limit = std::min(window_end(body), body.body.end);
  if (auto back = body.returned.first_from(0); back && back->begin < limit)
    return byte_range{back->begin, std::min(back->end, back->begin + size)};
  if (body.frontier >= limit)
    return std::nullopt;
  auto end = body.frontier + size;
  // A crumb at the end is not worth a request of its own.
  if (end + config_.chunk_size / 4 >= body.body.end)
    end = body.body.end;
  return byte_range{body.frontier, end};
}

uint64_t scheduler::window_end(const body_state& body) const {
  auto share = config_.memory / std::max<size_t>(1, bodies_.size());
  return body.delivered + std::max(share, 2 * config_.chunk_size);
}

uint64_t scheduler::unassigned(const body_state& body) const {
  return body.body.end - std::min(body.body.end, body.frontier)
         + body.returned.size();
}

duration scheduler::expected_time(const source_state& source,
                                  uint64_t bytes) const {
  auto rate = source.meter.rate();
  if (!rate || *rate < 1)
    return unknown_time;
  auto seconds = static_cast<double>(bytes) / *rate;
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(std::min(seconds, 3600.0)));
}

duration scheduler::overdue_after(const lease_state& lease) const {
  auto& source = sources_.at(lease.source);
  uint64_t bytes = 0;
  for (auto id : source.leases)
    bytes += leases_.at(id).range.end - leases_.at(id).upto;
  return std::clamp(3 * expected_time(source, bytes), overdue_min, overdue_max);
}

bool scheduler::covered_by_other(const body_state& body, lease_id except,
                                 uint64_t offset) const {
  return std::any_of(body.leases.begin(), body.leases.end(), [&](lease_id x) {
    auto& lease = leases_.at(x);
    return x != except && !lease.overdue && lease.range.contains(offset);
  });
}

// -- bookkeeping --------------------------------------------------------------

void scheduler::give(device_id id, source_state& source,
                     const transfer_id& transfer, body_state& body,
                     byte_range range, bool hedge, instant now) {
  if (source.leases.empty())
    source.meter.started(now);
  auto lease = next_lease_++;
  leases_.emplace(
      lease, lease_state{id, transfer, range, range.begin, now, hedge, false});
  source.leases.insert(lease);
  body.leases.insert(lease);
  body.returned.erase(range);
  body.frontier = std::max(body.frontier, range.end);
  actions_.push_back(grant{lease, id, transfer, range, hedge});
}

void scheduler::take_back(lease_id id) {
  auto lease = leases_.at(id);
  auto& source = sources_.at(lease.source);
  auto& body = bodies_.at(lease.transfer);
  source.leases.erase(id);
  body.leases.erase(id);
  leases_.erase(id);
  source.stalled =
      std::any_of(source.leases.begin(), source.leases.end(),
                  [this](lease_id x) { return leases_.at(x).overdue; });
  interval_set missing;
  for (auto gap : body.done.gaps({lease.upto, lease.range.end}))
    missing.insert(gap);
  for (auto other : body.leases)
    missing.erase(leases_.at(other).range);
  for (auto gap = missing.first_from(0); gap;
       gap = missing.first_from(gap->end))
    body.returned.insert(*gap);
}

void scheduler::drop_rivals(const body_state& body, byte_range range,
                            lease_id winner) {
  for (auto id : std::set<lease_id>{body.leases}) {
    auto& lease = leases_.at(id);
    byte_range rest{lease.upto, lease.range.end};
    if (id == winner || intersection(rest, range).empty()
        || !body.done.contains(rest))
      continue;
    actions_.push_back(cancel{id, lease.source, lease.transfer});
    take_back(id);
  }
}

} // namespace peapod
