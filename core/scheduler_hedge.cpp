#include "core/scheduler.hpp"

#include <algorithm>
#include <utility>

/// What is leased a second time: what the client waits for, or would wait for
/// at the end, while somebody else could bring it much sooner.
namespace peapod {

namespace {

using namespace std::chrono_literals;

/// Nothing is hedged to gain less.
constexpr duration least_gain = 50ms;

/// What may come twice of a body, apart from what is overdue or what the client
/// would long wait for: a share of what is here, and a little to begin with.
constexpr uint64_t hedge_share = 40;
constexpr uint64_t first_hedges = 512_KiB;

/// The client does not wait longer for one range, even if others can go on.
constexpr duration patience = 1s;

/// Who has failed last is expected to bring it so much later.
constexpr duration doubt = 2s;

/// Who has said nothing for longer may not go on.
constexpr duration quiet = 200ms;

/// What of a range somebody else brings while who has it brings the rest, when
/// they would need so long for all of it: both end together, and nothing comes
/// twice.
byte_range rear(byte_range range, duration needs, duration other) {
  // `needs` may be as long as time can be.
  auto theirs = static_cast<double>(other.count());
  auto share = theirs / (theirs + static_cast<double>(needs.count()));
  range.begin +=
      static_cast<uint64_t>(share * static_cast<double>(range.size()));
  return range;
}

} // namespace

void scheduler::hedge(const transfer_id& id, body_state& body, instant now) {
  if (body.given_up)
    return;
  hedge_spine(id, body, now);
  bool tail =
      unassigned(body) == 0
      || (is_all_leased(body) && std::ranges::any_of(sources_, [&](auto& kv) {
            return kv.second.leases.empty() && !is_resting(kv.second, now);
          }));
  auto first = head(body);
  for (auto lease : std::set<lease_id>{body.leases}) {
    auto& x = leases_.at(lease);
    bool urgent = x.range.contains(first);
    bool next = x.range.begin < first + window() / 8;
    if (x.overdue || (tail && (next || unassigned(body) == 0))
        || (urgent
            && remaining(x, x.range.end - x.upto, now)
                   > patience_for(body, x.range.begin)))
      hedge_lease(id, body, lease, urgent, now);
  }
}

/// Whether nobody can take anything more: at the end of the body, and when the
/// window is full but for a crumb. Who is idle then can only help.
bool scheduler::is_all_leased(const body_state& body) const {
  auto limit = std::min(window_end(body), body.body.end);
  auto gap = body.returned.first_from(0);
  auto crumb = limit == body.body.end ? 1 : config_.chunk_size / 8;
  return body.frontier + crumb > limit && (!gap || gap->begin >= limit);
}

/// What the spine has claimed is hedged like a lease.
void scheduler::hedge_spine(const transfer_id& id, body_state& body,
                            instant now) {
  // A spine that the client holds up is not late.
  auto claim = std::min(body.claim_end, window_end(body));
  auto first = head(body);
  if (!body.spine_alive || first >= claim)
    return;
  auto rest = uncovered(body, 0, {first, claim});
  if (rest.empty())
    return;
  auto rate = body.spine_speed.rate();
  auto silent = now - body.spine_heard;
  auto needs =
      rate ? std::chrono::duration_cast<duration>(std::chrono::duration<double>(
          static_cast<double>(rest.size()) / std::max(*rate, 1.0)))
           : duration::zero();
  needs = std::max(needs, silent);
  needs = std::min(needs, soonest(body, 0, rest.begin, now).value_or(needs));
  if (needs <= patience_for(body, rest.begin) && !is_all_leased(body))
    return;
  auto other = stand_in(body, rest, true, now);
  if (!other || needs <= other->second * 3 / 2 + least_gain)
    return;
  if (rate && silent < quiet && rest.end == claim)
    rest = rear(rest, needs, other->second);
  give(other->first, sources_.at(other->first), id, body, rest, true, now);
}

/// How long the client can do without the byte at `offset`: until nothing can
/// go on, and not much longer than it would notice.
duration scheduler::patience_for(const body_state& body,
                                 uint64_t offset) const {
  return std::min(time_to_full(body, offset), patience);
}

/// Gives what is left of it to who brings it first, if that is much sooner.
bool scheduler::hedge_lease(const transfer_id& id, body_state& body,
                            lease_id lease, bool urgent, instant now) {
  auto& x = leases_.at(lease);
  auto rest = uncovered(body, lease, {x.upto, x.range.end});
  auto budget = first_hedges + body.done.size() / hedge_share;
  bool within = body.hedged + rest.size() <= budget;
  if (!urgent && !x.overdue && !within)
    return false;
  auto rival = soonest(body, lease, rest.begin, now);
  // Who stands in may be slow, too: but only what is waited for comes thrice.
  bool halved = rest.end < x.range.end;
  if (rest.empty() || (!urgent && (x.hedge || rival || (halved && !x.overdue))))
    return false;
  auto other = stand_in(body, rest, urgent, now);
  if (!other)
    return false;
  auto needs = std::min(remaining(x, rest.end - x.upto, now),
                        rival.value_or(duration::max()));
  // Who has nothing else to do, or soon will have, loses nothing by what all
  // others wait for.
  bool idle = !is_busy(sources_.at(other->first)) || is_all_leased(body);
  bool affordable =
      within || (urgent && (idle || needs > other->second + patience));
  bool pays = needs >= other->second * 3 / 2 + least_gain;
  if (!(affordable && pays) && (!x.overdue || rival))
    return false;
  // Who brings what is missing, and will go on, keeps the front.
  bool flows = sources_.at(x.source).traits.streams() && !x.overdue
               && x.upto > x.range.begin && x.upto == rest.begin
               && now - x.heard < quiet;
  if (flows && !rival && !halved)
    rest = rear(rest, needs, other->second);
  give(other->first, sources_.at(other->first), id, body, rest, true, now);
  return true;
}

/// Of the range, what nobody but `except` (0: the spine) brings or has brought.
byte_range scheduler::uncovered(const body_state& body, lease_id except,
                                byte_range range) const {
  auto missing = body.done.gaps(range);
  if (missing.empty())
    return {range.end, range.end};
  range = missing.front();
  for (auto id : body.leases) {
    auto& x = leases_.at(id);
    if (id != except && !x.overdue && x.range.begin > range.begin)
      range.end = std::min(range.end, x.range.begin);
  }
  return range;
}

/// Who would bring the range first, but for those who bring its first byte
/// already, and how soon.
std::optional<std::pair<device_id, duration>>
scheduler::stand_in(const body_state& body, byte_range range, bool urgent,
                    instant now) const {
  std::optional<std::pair<device_id, duration>> best;
  for (auto& [id, source] : sources_) {
    auto room = max_leases(source) + (urgent && !source.traits.foreign);
    if (brings(source, body, range.begin) || is_stalled(source)
        || is_resting(source, now) || source.leases.size() >= room
        || !may_serve(id, source, body, now))
      continue;
    auto needs = time_beside(source, range.size());
    if (source.failures > 0)
      needs += doubt;
    if (!best || needs < best->second)
      best = {id, needs};
  }
  return best;
}

/// What the next `bytes` of a lease still take. Who is late will be as late
/// again, and who has become slower takes as long as he does now. What a source
/// has leased shares its line evenly.
duration scheduler::remaining(const lease_state& lease, uint64_t bytes,
                              instant now) const {
  auto& source = sources_.at(lease.source);
  auto late = now - lease.due;
  auto rest = std::max<uint64_t>(lease.range.end - lease.upto, 1);
  auto planned = std::chrono::duration_cast<duration>(
      -late * (static_cast<double>(bytes) / static_cast<double>(rest)));
  return std::max(
      {planned, late, source.estimate.time_for(meanwhile(source, bytes))});
}

/// What comes of a source's leases until it has brought `bytes` of one of them.
uint64_t scheduler::meanwhile(const source_state& source,
                              uint64_t bytes) const {
  uint64_t out = 0;
  for (auto id : source.leases) {
    auto& x = leases_.at(id);
    out += std::min(bytes, x.range.end - x.upto);
  }
  return out;
}

/// How long a source takes for `bytes` beside what it has leased.
duration scheduler::time_beside(const source_state& source,
                                uint64_t bytes) const {
  auto all = meanwhile(source, bytes) + bytes;
  for (auto& x : source.ghosts)
    all += x.bytes;
  return source.estimate.time_for(all);
}

/// When somebody else than `except` will have brought what he has leased from
/// `offset` on.
std::optional<duration> scheduler::soonest(const body_state& body,
                                           lease_id except, uint64_t offset,
                                           instant now) const {
  std::optional<duration> out;
  for (auto id : body.leases) {
    auto& x = leases_.at(id);
    if (id == except || x.overdue || !x.range.contains(offset))
      continue;
    auto needs = remaining(x, x.range.end - x.upto, now);
    out = std::min(out.value_or(needs), needs);
  }
  return out;
}

bool scheduler::brings(const source_state& source, const body_state& body,
                       uint64_t offset) const {
  return std::ranges::any_of(source.leases, [&](lease_id id) {
    return body.leases.contains(id) && leases_.at(id).range.contains(offset);
  });
}

} // namespace peapod
