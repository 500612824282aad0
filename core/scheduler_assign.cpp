#include "core/scheduler.hpp"

#include <algorithm>
#include <utility>

/// Who gets which range next. Fast sources get what the client waits for;
/// slow ones something so far ahead of it that it is here in time; and who
/// would be waited for gets nothing.
namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How many ranges of lost sources a busy source takes on top.
constexpr size_t max_orphans = 4;

/// Nobody is better unless he needs less than this share of the time.
constexpr double better = 0.8;

/// Our own line, which can be stopped at any time, is spared for less only.
constexpr double far_better = 0.25;

/// What a source may take too long for the play head before it is sent ahead.
constexpr duration behind = 250ms;

/// What estimates are wrong by.
constexpr duration slack = 50ms;

/// Of the window, what all sources have in one lease each before anything of
/// them is known.
constexpr uint64_t first_share = 16;

/// So many ways a lease of a foreign peer should take, but no longer than this:
/// whoever waits for a dead one waits for as long again.
constexpr int foreign_ways = 6;
constexpr duration most_foreign = 1s;

} // namespace

void scheduler::assign(instant now) {
  note_silence(now);
  // One lease a round and source, so that nobody takes all at once.
  for (bool any = true; any;) {
    any = false;
    for (auto& [id, source] : sources_)
      if (source.leases.size() < max_leases(source))
        any |= assign_one(id, source, now);
  }
  for (auto& [id, body] : bodies_) {
    // What a source that went has left goes to whoever may have it, busy or
    // not.
    adopt_orphans(id, body, now);
    hedge(id, body, now);
    maybe_switch(id, body, now);
  }
  observe(now);
}

bool scheduler::assign_one(device_id id, source_state& source, instant now) {
  if (is_stalled(source) || is_resting(source, now))
    return false;
  std::vector<std::pair<uint64_t, std::pair<const transfer_id, body_state>*>>
      order;
  for (auto& kv : bodies_)
    if (may_serve(id, source, kv.second, now))
      order.emplace_back(next_turn(kv.second), &kv);
  // Start-time fair queueing: who has been served least is the first, and what
  // begins has something in hand. So small bodies do not wait for large ones,
  // and large ones have equal parts.
  std::ranges::stable_sort(order, {}, [](auto& x) { return x.first; });
  for (auto& [bytes, kv] : order) {
    if (auto range = next_range(id, source, kv->second, now)) {
      give(id, source, kv->first, kv->second, *range, false, now);
      return true;
    }
  }
  return false;
}

/// Where the next lease of a body stands in the virtual time of the queue. Who
/// could take nothing for long catches up no more than a lease or so.
uint64_t scheduler::next_turn(const body_state& body) const {
  auto least = served_ - std::min(served_, config_.max_lease);
  return std::max(body.served, least);
}

/// Leases what a lost source had leased to who would bring it first, beyond
/// what sources usually have at a time: the client may be waiting for it.
void scheduler::adopt_orphans(const transfer_id& id, body_state& body,
                              instant now) {
  while (auto gap = body.orphaned.first_from(0)) {
    source_state* best = nullptr;
    device_id who;
    uint64_t size = 0;
    duration time{};
    for (auto& [other, source] : sources_) {
      if (source.traits.foreign || is_stalled(source) || is_resting(source, now)
          || !may_serve(other, source, body, now)
          || source.leases.size() >= max_leases(source) + max_orphans)
        continue;
      auto part = std::min({gap->size(), source.estimate.lease_size(),
                            std::max(window() / 8, config_.chunk_size)});
      auto needs = source.estimate.time_for(backlog(source) + part);
      if (!best || needs < time) {
        best = &source;
        who = other;
        size = part;
        time = needs;
      }
    }
    if (!best)
      return;
    give(who, *best, id, body, {gap->begin, gap->begin + size}, false, now);
  }
}

void scheduler::maybe_switch(const transfer_id& id, body_state& body,
                             instant now) {
  bool overtaken = body.done.contains({body.spine, body.claim_end});
  auto own = std::ranges::find_if(
      sources_, [](auto& kv) { return kv.second.traits.own; });
  // The successor of the spine needs a way of its own.
  auto near = config_.chunk_size / 2;
  auto reach = own == sources_.end() ? 0 : reach_of_spine(own->second);
  if (!body.spine_alive || body.switching
      || (!overtaken && body.spine + std::max(near, reach) < body.claim_end))
    return;
  byte_range ahead{std::max(body.claim_end, body.spine), body.body.end};
  if (body.leases.empty() && !body.done.intersects(ahead)) {
    if (body.spine + near < body.claim_end)
      return;
    // Nobody has taken anything: the spine goes on as if alone, as far as the
    // client may be ahead of what it has taken.
    auto end = std::min({body.body.end, ahead.begin + body.lead,
                         std::max(window_end(body), ahead.begin)});
    body.returned = {};
    body.orphaned = {};
    body.claim_end = body.frontier = end;
    return;
  }
  if (own == sources_.end() || body.own_refused)
    return;
  if (!origin_allows(own->first, own->second, body, now)) {
    // Either the spine is all that the origin takes, or it wants to rest.
    body.own_refused = limits_.allows({own->first, body.origin}, 0, now);
    return;
  }
  auto range = next_range(own->first, own->second, body, now);
  if (!range)
    return; // all is taken; the spine doubles as a hedge
  body.switching = true;
  actions_.push_back(switch_spine{id, overtaken ? body.spine : body.claim_end});
  give(own->first, own->second, id, body, *range, false, now);
}

// -- where it is --------------------------------------------------------------

std::optional<byte_range> scheduler::next_range(const device_id& id,
                                                const source_state& source,
                                                const body_state& body,
                                                instant now) const {
  auto size = lease_size(source, body, now);
  auto limit = std::min(window_end(body), body.body.end);
  if (auto back = returned_range(id, source, body, size, limit, now))
    return back;
  // A crumb is not worth a request of its own: neither one that the window
  // leaves nor one at the end of the body.
  auto crumb = config_.chunk_size / 8;
  bool last = limit == body.body.end;
  if (body.frontier >= limit || (!last && limit - body.frontier < crumb))
    return std::nullopt;
  auto begin = body.frontier;
  auto late = source.estimate.time_for(backlog(source) + size)
              - time_to_play(body, begin);
  if (late > behind && !source.traits.own) {
    auto ahead = static_cast<uint64_t>(seconds_of(late) * pace(body));
    if (begin + ahead + size <= limit)
      begin += ahead - ahead % crumb;
  }
  auto end = std::min(begin + size, limit);
  if (last && end + crumb >= limit)
    end = limit;
  byte_range out{begin, end};
  return in_time(id, source, body, out, now) ? std::optional{out}
                                             : std::nullopt;
}

/// Something that somebody else did not bring, if this source brings it in
/// time.
std::optional<byte_range>
scheduler::returned_range(const device_id& id, const source_state& source,
                          const body_state& body, uint64_t size, uint64_t limit,
                          instant now) const {
  for (auto gap = body.returned.first_from(0); gap && gap->begin < limit;
       gap = body.returned.first_from(gap->end)) {
    byte_range out{gap->begin, std::min({gap->end, gap->begin + size, limit})};
    if (in_time(id, source, body, out, now))
      return out;
  }
  return std::nullopt;
}

uint64_t scheduler::lease_size(const source_state& source,
                               const body_state& body, instant now) const {
  auto least = std::max<uint64_t>(1, config_.chunk_size / 8);
  auto size = source.estimate.lease_size();
  // Who has become slower since gets less.
  if (auto rate = source.estimate.rate())
    size = std::min(size, static_cast<uint64_t>(
                              *rate * seconds_of(quantum_for(source, body))));
  bool untried = !source.estimate.rate() && !source.estimate.shortest()
                 && source.failed == instant{};
  if (untried && source.traits.streams())
    size = std::max(size, std::min(first_size(), unassigned(body) / first_share
                                                     / sources_.size()));
  // Leases of one size that begin together also end together, and then nothing
  // comes until the next ones have found their way. So those that begin
  // together differ.
  auto spacing = source.estimate.time_for(size);
  auto together = static_cast<uint64_t>(
      std::ranges::count_if(source.leases, [&](lease_id x) {
        return leases_.at(x).granted + spacing / 8 >= now;
      }));
  auto most = std::max<uint64_t>(max_leases(source), together + 1);
  size = size * (most - together) / most;
  // Towards the end leases shrink, so that all finish together; but not when
  // what is asked for later comes later than all of it takes.
  auto left = unassigned(body);
  auto part = source.estimate.latency() > time_of(body, left) ? 1 : 2;
  auto share = static_cast<uint64_t>(static_cast<double>(left)
                                     * share_of(source) / part);
  // All of a lease is held until the client has taken its last byte, which
  // the window does not count.
  return std::max(std::min({size, share, window() / 8}), least);
}

/// What a source that streams is tried with: so much that the line of the only
/// peer is not idle until the first answers are here, so little that what many
/// have leased does not fill the window.
uint64_t scheduler::first_size() const {
  return std::min(window() / (first_share * sources_.size()),
                  config_.max_lease);
}

/// Whether the source brings the range before all others wait for it: because
/// the window is full or because everything else of the body is here. Who
/// nobody could stand in for is in time, and so is the own line but at the end.
bool scheduler::in_time(const device_id& id, const source_state& source,
                        const body_state& body, byte_range range,
                        instant now) const {
  if (!source.estimate.rate())
    return true; // the unknown are tried, with little
  auto needs = source.estimate.time_for(backlog(source) + range.size());
  auto until = time_to_end(body);
  if (!source.traits.own)
    until = std::min(until, time_to_full(body, range.begin));
  if (needs <= until * 4 / 5 + slack)
    return true;
  auto share = source.traits.own ? far_better : better;
  return std::ranges::none_of(sources_, [&](auto& kv) {
    auto& [other, x] = kv;
    if (other == id || is_stalled(x) || x.resting_until != instant{}
        || is_left_out(other, body, now) || lines_.held() == other
        || !limits_.allows({other, body.origin}, 0, now) || !x.estimate.rate())
      return false;
    auto theirs = x.estimate.time_for(backlog(x) + range.size());
    return seconds_of(theirs) < share * seconds_of(needs);
  });
}

// -- the body's pace ----------------------------------------------------------

/// Bytes a second that all sources together bring of the body.
double scheduler::pace(const body_state& body) const {
  double sum = 0;
  for (auto& [id, x] : sources_)
    if (x.resting_until == instant{})
      sum += x.estimate.rate().value_or(0);
  sum /= static_cast<double>(std::max<size_t>(1, bodies_.size()));
  // What they share on the way does not add up.
  if (auto seen = body.speed.rate())
    sum = std::min(sum, 1.5 * *seen);
  return std::max(sum, 1.0);
}

/// The first byte that is not here.
uint64_t scheduler::head(const body_state& body) const {
  auto here = body.done.first_from(body.taken);
  return here && here->begin <= body.taken ? here->end : body.taken;
}

duration scheduler::time_of(const body_state& body, uint64_t bytes) const {
  auto time = static_cast<double>(bytes) / pace(body);
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(std::min(time, 3600.0)));
}

/// When everything before `offset` will be here.
duration scheduler::time_to_play(const body_state& body,
                                 uint64_t offset) const {
  auto begin = head(body);
  return time_of(body, offset > begin ? offset - begin : 0);
}

/// When nothing more can be leased because `offset` is not here.
duration scheduler::time_to_full(const body_state& body,
                                 uint64_t offset) const {
  auto full = offset + window();
  return time_of(body, full > body.frontier ? full - body.frontier : 0);
}

/// When all of the body will be here.
duration scheduler::time_to_end(const body_state& body) const {
  return time_of(body, body.body.size() - body.done.size());
}

/// What a lease of the source should take: so little that three of them are
/// here before the window is full, so much that the way does not count.
duration scheduler::quantum_for(const source_state& source,
                                const body_state& body) const {
  auto most = time_of(body, window()) / 4;
  // What streams does no harm by being long.
  auto usual = source.traits.direct() ? 2 * config_.quantum : config_.quantum;
  auto wanted = std::max(usual, 2 * source.estimate.latency());
  // The line of who has one at a time is idle on each way.
  if (source.traits.foreign)
    wanted = std::max(usual, std::min(foreign_ways * source.estimate.latency(),
                                      most_foreign));
  return std::max(std::min(wanted, most), duration{20ms});
}

double scheduler::share_of(const source_state& source) const {
  double sum = 0;
  for (auto& [id, x] : sources_) {
    if (!x.estimate.rate())
      return 1.0 / static_cast<double>(sources_.size());
    sum += *x.estimate.rate();
  }
  return sum > 0 ? *source.estimate.rate() / sum : 1.0;
}

} // namespace peapod
