#include "core/scheduler.hpp"

#include <algorithm>
#include <utility>

/// Who may bring what, what is overdue, and when nothing is left to hope for.
namespace peapod {

namespace {

using namespace std::chrono_literals;

/// A lease is overdue after three times its expected time, within bounds that
/// keep a frozen peer from being noticed by the one who waits.
constexpr duration overdue_min = 1s;
constexpr duration overdue_max = 2s;

/// How long a lease may stay without a byte before it is taken away.
constexpr duration abandon_time = 30s;

/// Who rests longer than this is no hope for a body that waits.
constexpr duration hope_time = 5s;

/// How long a body waits for an origin that is busy.
constexpr duration busy_time = 60s;

/// Who has brought anything so soon is not far away.
constexpr duration short_way = 50ms;

/// How many leases more a source may have that is far away.
constexpr size_t max_more_leases = 3;

} // namespace

// -- rules --------------------------------------------------------------------

bool scheduler::may_serve(const device_id& id, const source_state& source,
                          const body_state& body, instant now) const {
  if (body.given_up || is_left_out(id, body, now) || lines_.held() == id
      || !origin_allows(id, source, body, now))
    return false;
  // While the spine lives the own line has one lease: its successor.
  return !source.traits.own || !body.spine_alive
         || (body.switching && !body.own_refused && is_idle_own(id, body));
}

/// Whether the source gets nothing of the body. Who the origin would not serve
/// lately is not tried again with every body.
bool scheduler::is_left_out(const device_id& id, const body_state& body,
                            instant now) const {
  return body.excluded.contains(id)
         || limits_.leaves_out({id, body.origin}, body.opened, now);
}

/// Whether the origin takes one more request from the source.
bool scheduler::origin_allows(const device_id& id, const source_state& source,
                              const body_state& body, instant now) const {
  return limits_.allows({id, body.origin}, requests_to(source, body.origin),
                        now);
}

/// Requests of the source that are under way to the origin, the spines of the
/// own line among them.
size_t scheduler::requests_to(const source_state& source,
                              const std::string& origin) const {
  size_t out = 0;
  for (auto id : source.leases)
    out += bodies_.at(leases_.at(id).transfer).origin == origin;
  if (source.traits.own)
    for (auto& [id, body] : bodies_)
      out += body.spine_alive && body.origin == origin;
  return out;
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

bool scheduler::is_resting(const source_state& source, instant now) const {
  return source.resting_until > now;
}

/// As many as keep it busy while answers are on their way.
size_t scheduler::usual_leases(const source_state& source) const {
  // Who has failed is tried with one range.
  if (source.traits.foreign || source.failures > 0)
    return 1;
  auto& x = source.estimate;
  auto bytes_on_the_way = x.rate().value_or(0)
                          * std::chrono::duration<double>(x.latency()).count()
                          * 3 / 2;
  auto size = std::min(x.lease_size(), window() / 8);
  auto more = bytes_on_the_way / static_cast<double>(size + 1);
  // A peer's range is on its way to the origin, on the peer's line, or on its
  // way to us. Where the way is short two are enough, and less is lost with
  // the peer.
  bool near = x.shortest() && *x.shortest() < short_way;
  // A line of ours streams and has longer leases: less is lost between them,
  // and it matters only when most of the body comes over it.
  if (source.traits.direct())
    near = near || share_of(source) < 0.5;
  auto least = near ? 2u : 3u;
  return least + std::min(static_cast<size_t>(more + 0.5), max_more_leases);
}

/// The share that each body has of the memory.
uint64_t scheduler::window() const {
  auto share = config_.memory / std::max<size_t>(1, bodies_.size());
  return std::max(share, 2 * config_.chunk_size);
}

uint64_t scheduler::window_end(const body_state& body) const {
  return body.taken + window();
}

uint64_t scheduler::unassigned(const body_state& body) const {
  return body.body.end - std::min(body.body.end, body.frontier)
         + body.returned.size();
}

uint64_t scheduler::backlog(const source_state& source) const {
  auto out = source.leased;
  for (auto& x : source.ghosts)
    out += x.bytes;
  return out;
}

instant scheduler::overdue_at(const lease_state& lease) const {
  auto& source = sources_.at(lease.source);
  auto wait = std::clamp(3 * source.estimate.time_for(backlog(source)),
                         overdue_min, overdue_max);
  // A source that brings other leases is alive, but one of them may hang.
  return std::min(std::max(lease.heard, source.heard) + wait,
                  lease.heard + 2 * overdue_max);
}

/// Whether there is anybody, `but` one, who may bring what is missing.
bool scheduler::has_hope(const body_state& body, instant now,
                         const device_id* but) const {
  bool patient = now < body.heard + busy_time;
  return std::any_of(sources_.begin(), sources_.end(), [&](auto& kv) {
    auto& [id, source] = kv;
    return !(but && id == *but) && !is_left_out(id, body, now)
           && source.resting_until < now + hope_time
           && (patient || origin_allows(id, source, body, now));
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
  if (auto at = limits_.deadline(); at && !bodies_.empty())
    consider(*at);
  return out;
}

void scheduler::expire(instant now) {
  for (auto& [id, source] : sources_)
    if (source.resting_until <= now)
      source.resting_until = instant{};
  limits_.expire(now);
  for (auto& [id, lease] : leases_) {
    if (lease.overdue || now < overdue_at(lease))
      continue;
    lease.overdue = true;
    // It has to show anew what it can.
    auto& source = sources_.at(lease.source);
    source.estimate.distrust(now);
  }
  abandon_silent(now);
  assign(now);
  for (auto& [id, body] : bodies_)
    check_hope(id, body, now);
}

void scheduler::slept(duration away, instant now) {
  for (auto& [id, lease] : leases_)
    lease.heard = std::min(lease.heard + away, now);
  for (auto& [id, body] : bodies_)
    if (body.hopeless_since)
      body.hopeless_since = std::min(*body.hopeless_since + away, now);
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
