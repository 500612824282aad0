#include "core/scheduler.hpp"

#include <algorithm>
#include <set>

/// What is found out by trying: how many requests at a time pay, and who has a
/// line of its own.
namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How often it is looked at.
constexpr duration interval = 50ms;

/// Who has brought nothing for so long gets nothing more to do.
constexpr duration alive = 500ms;

/// Requests at a time to one origin over one line of ours: as many as
/// browsers have.
constexpr size_t most_requests = 6;

/// How many more a source may have once what it has ends before those would
/// begin.
constexpr size_t max_early_leases = 2;

/// Only bodies that take so much longer bear that a peer pauses, and so much
/// once it does: the others become faster meanwhile.
constexpr duration long_enough = 60s;
constexpr duration long_enough_to_end = 30s;

/// Origins that are remembered for each source.
constexpr size_t max_searches = 64;

} // namespace

/// As many as keep the source's line busy.
size_t scheduler::max_leases(const source_state& source) const {
  size_t extra = 0;
  bool tries = false;
  for (auto& [id, body] : bodies_) {
    auto i = source.searches.find(body.origin);
    if (i == source.searches.end())
      continue;
    extra = std::max(extra, i->second.extra());
    tries |= i->second.is_trying();
  }
  // Leases share the source's line evenly, so they end together. Its line would
  // be idle if the next ones were asked for only then. A trial tells nothing
  // with more requests than are tried.
  auto& x = source.estimate;
  bool ends = x.rate() && source.traits.streams() && source.failures == 0
              && !tries && x.time_for(backlog(source)) <= x.latency() * 5 / 4;
  auto most = usual_leases(source) + extra + (ends ? max_early_leases : 0);
  return source.traits.direct() ? std::min(most, most_requests) : most;
}

void scheduler::observe(instant now) {
  // Without bodies nothing is tried any more.
  if (!bodies_.empty() && now < observed_ + interval)
    return;
  observed_ = now;
  for (auto& [id, source] : sources_)
    if (source.traits.direct())
      observe_connections(id, source, now);
  observe_lines(now);
}

/// One origin at a time, because only then the line's rate says something about
/// it. Peers keep to what they usually have: what is under way to a slow one is
/// lost with it.
void scheduler::observe_connections(const device_id& id, source_state& source,
                                    instant now) {
  std::set<std::string> origins;
  for (auto lease : source.leases)
    origins.insert(bodies_.at(leases_.at(lease).transfer).origin);
  for (auto& [name, search] : source.searches)
    if (origins.size() != 1 || name != *origins.begin())
      search.observe({}, 0, 0, false, now);
  if (origins.size() != 1)
    return;
  auto origin = origins.begin();
  if (source.searches.size() >= max_searches)
    std::erase_if(source.searches, [&](auto& kv) {
      return kv.first != *origin && kv.second.extra() == 0;
    });
  if (source.searches.size() >= max_searches)
    source.searches.clear();
  auto& search = source.searches[*origin];
  auto most = limits_.cap({id, *origin}).value_or(most_requests);
  auto usual = usual_leases(source);
  // One trial at a time: while a peer is held others become faster.
  bool full = source.leases.size() >= usual + search.extra()
              && now < source.heard + alive && !lines_.held();
  connection_search::rates seen{source.estimate.rate().value_or(0)};
  for (auto& [other, x] : sources_)
    seen.all += x.estimate.rate().value_or(0);
  search.observe(seen, usual, most, full, now);
}

void scheduler::observe_lines(instant now) {
  std::vector<source_sample> samples;
  for (auto& [id, x] : sources_)
    samples.push_back(
        {id, x.traits.own, !x.leases.empty() || !x.ghosts.empty(), x.brought});
  if (auto found = lines_.observe(samples, is_calm(), now))
    actions_.push_back(*found);
}

/// Whether there is more to do than all can bring for long: the window is open,
/// and the client takes what comes.
bool scheduler::is_calm() const {
  for (auto& [id, source] : sources_)
    for (auto& [origin, search] : source.searches)
      if (search.is_trying())
        return false;
  auto rest = lines_.held() ? long_enough_to_end : long_enough;
  return std::ranges::any_of(bodies_, [this, rest](auto& kv) {
    auto& body = kv.second;
    return !body.given_up && time_to_end(body) >= rest
           && body.frontier + window() / 4 <= window_end(body)
           && head(body) <= body.taken + window() / 4;
  });
}

} // namespace peapod
