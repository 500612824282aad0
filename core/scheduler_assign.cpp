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

/// How long a lease may stay without a byte before it is taken away.
constexpr duration abandon_time = 30s;

/// How many ranges of lost sources a busy source takes on top.
constexpr size_t max_orphans = 2;

/// Who rests longer than this is no hope for a body that waits.
constexpr duration hope_time = 5s;

} // namespace

// -- who gets what ------------------------------------------------------------

void scheduler::assign(instant now) {
  // One lease a round and source, so that nobody takes all at once.
  for (bool any = true; any;) {
    any = false;
    for (auto& [id, source] : sources_)
      if (source.leases.size() < max_leases(source))
        any |= assign_one(id, source, now) || hedge_one(id, source, now);
  }
  // So does not wait what a source that went has left, nor work that nobody
  // finishes: they go to whoever may have them, busy or not.
  for (auto& [id, body] : bodies_)
    adopt_orphans(id, body, now);
  for (auto& [id, source] : sources_)
    if (source.leases.size() == max_leases(source))
      hedge_one(id, source, now);
}

bool scheduler::assign_one(device_id id, source_state& source, instant now) {
  if (is_stalled(source) || source.resting_until > now)
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

/// Leases what a lost source had leased to who would bring it first, beyond
/// what sources usually have at a time: the client may be waiting for it.
void scheduler::adopt_orphans(const transfer_id& id, body_state& body,
                              instant now) {
  while (auto gap = body.orphaned.first_from(0)) {
    source_state* best = nullptr;
    device_id who;
    for (auto& [other, source] : sources_) {
      if (source.traits.foreign || is_stalled(source)
          || source.resting_until > now || !may_serve(other, source, body)
          || source.leases.size() >= max_leases(source) + max_orphans)
        continue;
      if (!best
          || expected_time(source, backlog(source))
                 < expected_time(*best, backlog(*best))) {
        best = &source;
        who = other;
      }
    }
    if (!best)
      return;
    auto size = std::min(gap->size(), lease_size(*best, body));
    give(who, *best, id, body, {gap->begin, gap->begin + size}, false, now);
  }
}

bool scheduler::hedge_one(device_id id, source_state& source, instant now) {
  if (is_stalled(source) || source.resting_until > now)
    return false;
  const lease_state* first = nullptr;
  for (auto& [other, lease] : leases_)
    if (worth_a_hedge(id, source, other, now)
        && (!first || lease.upto < first->upto))
      first = &lease;
  if (!first)
    return false;
  auto transfer = first->transfer;
  give(id, source, transfer, bodies_.at(transfer),
       {first->upto, first->range.end}, true, now);
  return true;
}

bool scheduler::worth_a_hedge(const device_id& id, const source_state& source,
                              lease_id other, instant now) const {
  auto& lease = leases_.at(other);
  auto& body = bodies_.at(lease.transfer);
  byte_range rest{lease.upto, lease.range.end};
  if (lease.source == id || lease.hedge || rest.empty()
      || !may_serve(id, source, body)
      || covered_by_other(body, other, rest.begin))
    return false;
  if (lease.overdue)
    return true;
  if (source.leases.size() >= max_leases(source))
    return false;
  auto& owner = sources_.at(lease.source);
  auto elapsed = now - lease.heard;
  auto needed = expected_time(owner, backlog(owner));
  auto remaining = std::max(needed - elapsed, elapsed / 2);
  auto ours = expected_time(source, backlog(source) + rest.size());
  return remaining * 2 > ours * 3;
}

void scheduler::maybe_switch(const transfer_id& id, body_state& body,
                             instant now) {
  if (body.spine + config_.chunk_size / 2 < body.claim_end || body.switching)
    return;
  byte_range ahead{std::max(body.claim_end, body.spine), body.body.end};
  if (body.leases.empty() && !body.done.intersects(ahead)) {
    // Nobody has taken anything: the spine goes on as if alone.
    body.returned = {};
    body.claim_end = std::min(body.body.end, ahead.begin + body.lead);
    body.frontier = body.claim_end;
    return;
  }
  auto own = std::find_if(sources_.begin(), sources_.end(),
                          [](auto& kv) { return kv.second.traits.own; });
  if (own == sources_.end() || body.own_refused)
    return;
  auto range = next_range(own->second, body);
  if (!range)
    return; // all is taken; the spine doubles as a hedge
  body.switching = true;
  actions_.push_back(switch_spine{id, body.claim_end});
  give(own->first, own->second, id, body, *range, false, now);
}

// -- rules --------------------------------------------------------------------

bool scheduler::may_serve(const device_id& id, const source_state& source,
                          const body_state& body) const {
  if (body.given_up || body.excluded.contains(id))
    return false;
  // While the spine lives the own line has one lease: its successor.
  return !source.traits.own || !body.spine_alive
         || (body.switching && !body.own_refused && is_idle_own(id, body));
}

bool scheduler::is_idle_own(const device_id& id, const body_state& body) const {
  return std::none_of(body.leases.begin(), body.leases.end(),
                      [&](lease_id x) { return leases_.at(x).source == id; });
}

bool scheduler::is_stalled(const source_state& source) const {
  return !source.leases.empty()
         && std::all_of(source.leases.begin(), source.leases.end(),
                        [this](lease_id x) { return leases_.at(x).overdue; });
}

size_t scheduler::max_leases(const source_state& source) const {
  return source.traits.foreign ? 1 : 2;
}

uint64_t scheduler::lease_size(const source_state& source,
                               const body_state& body) const {
  auto unit = config_.chunk_size;
  if (source.traits.foreign)
    return unit;
  // Towards the end leases shrink, so that all finish together.
  auto share = static_cast<uint64_t>(static_cast<double>(unassigned(body))
                                     * share_of(source) / 2);
  auto size = std::min(source.size, std::max(share, unit / 2));
  return std::max<uint64_t>(1, size);
}

double scheduler::share_of(const source_state& source) const {
  double sum = 0;
  for (auto& [id, x] : sources_) {
    if (!x.meter.rate())
      return 1.0 / static_cast<double>(sources_.size());
    sum += *x.meter.rate();
  }
  return sum > 0 ? *source.meter.rate() / sum : 1.0;
}

std::optional<byte_range> scheduler::next_range(const source_state& source,
                                                const body_state& body) const {
  auto size = lease_size(source, body);
  auto limit = std::min(window_end(body), body.body.end);
  if (auto back = body.returned.first_from(0); back && back->begin < limit)
    return byte_range{back->begin,
                      std::min({back->end, back->begin + size, limit})};
  // A crumb is not worth a request of its own: neither one that the window
  // leaves nor one at the end of the body.
  auto crumb = config_.chunk_size / 4;
  bool last = limit == body.body.end;
  if (body.frontier >= limit || (!last && limit - body.frontier < crumb))
    return std::nullopt;
  auto end = std::min(body.frontier + size, limit);
  if (last && end + crumb >= limit)
    end = limit;
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

uint64_t scheduler::backlog(const source_state& source) const {
  uint64_t out = 0;
  for (auto id : source.leases)
    out += leases_.at(id).range.end - leases_.at(id).upto;
  return out;
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

instant scheduler::overdue_at(const lease_state& lease) const {
  auto& source = sources_.at(lease.source);
  auto wait = std::clamp(3 * expected_time(source, backlog(source)),
                         overdue_min, overdue_max);
  // A source that brings other leases is alive, but one of them may hang.
  return std::min(std::max(lease.heard, source.heard) + wait,
                  lease.heard + 2 * overdue_max);
}

bool scheduler::covered_by_other(const body_state& body, lease_id except,
                                 uint64_t offset) const {
  return std::any_of(body.leases.begin(), body.leases.end(), [&](lease_id x) {
    auto& lease = leases_.at(x);
    return x != except && !lease.overdue && lease.range.contains(offset);
  });
}

bool scheduler::has_hope(const body_state& body, instant now) const {
  return std::any_of(sources_.begin(), sources_.end(), [&](auto& kv) {
    return !body.excluded.contains(kv.first)
           && kv.second.resting_until < now + hope_time;
  });
}

// -- machine ------------------------------------------------------------------

std::optional<instant> scheduler::deadline() const {
  std::optional<instant> out;
  auto consider = [&out](instant at) { out = out ? std::min(*out, at) : at; };
  for (auto& [id, lease] : leases_)
    consider(lease.overdue ? lease.heard + abandon_time : overdue_at(lease));
  if (!bodies_.empty())
    for (auto& [id, source] : sources_)
      if (source.resting_until != instant{})
        consider(source.resting_until);
  for (auto& [id, body] : bodies_)
    if (body.hopeless_since && !body.given_up)
      consider(*body.hopeless_since + hope_time);
  return out;
}

void scheduler::expire(instant now) {
  for (auto& [id, source] : sources_)
    if (source.resting_until <= now)
      source.resting_until = instant{};
  for (auto& [id, lease] : leases_) {
    if (lease.overdue || now < overdue_at(lease))
      continue;
    lease.overdue = true;
    // It has to show anew what it can.
    auto& source = sources_.at(lease.source);
    source.size = config_.chunk_size / 4;
    source.meter = {};
    source.meter.started(now);
  }
  abandon_silent(now);
  assign(now);
  for (auto& [id, body] : bodies_)
    check_hope(id, body, now);
}

/// Takes leases away from sources that have long said nothing, alive or not,
/// so that a body which waits for them alone can end.
void scheduler::abandon_silent(instant now) {
  std::vector<lease_id> silent;
  for (auto& [id, lease] : leases_)
    if (lease.overdue && now >= lease.heard + abandon_time)
      silent.push_back(id);
  for (auto id : silent) {
    auto i = leases_.find(id);
    if (i == leases_.end())
      continue;
    actions_.push_back(cancel{id, i->second.source, i->second.transfer});
    sources_.at(i->second.source).failures = max_failures;
    lease_failed(id, chunk_failure::unavailable, i->second.upto, now);
  }
}

void scheduler::check_hope(const transfer_id& id, body_state& body,
                           instant now) {
  bool waits = !body.spine_alive && body.leases.empty() && !body.given_up
               && !body.done.contains(body.body);
  if (!waits || has_hope(body, now)) {
    body.hopeless_since.reset();
    return;
  }
  if (!body.hopeless_since)
    body.hopeless_since = now;
  // An own line that is not there is being restarted.
  bool own = std::any_of(sources_.begin(), sources_.end(),
                         [](auto& kv) { return kv.second.traits.own; });
  if (!own && now < *body.hopeless_since + hope_time)
    return;
  body.given_up = true;
  actions_.push_back(give_up{id, "no device can bring the rest"});
}

} // namespace peapod
