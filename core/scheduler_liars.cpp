#include "core/scheduler.hpp"

#include <algorithm>
#include <set>
#include <utility>

/// What becomes of sources that brought wrong bytes.
namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How long a source is set aside for its first lie, and at most.
constexpr duration first_time = 10min;
constexpr unsigned max_doublings = 7;

/// A lie is forgotten so long after its time is over.
constexpr duration memory = 24h;

/// Devices can come back under any number of new names.
constexpr size_t max_liars = 1024;

} // namespace

void scheduler::source_lied(device_id source, transfer_id transfer,
                            const std::vector<byte_range>& dropped,
                            instant now) {
  auto until = note_lie(source, now);
  actions_.push_back(set_aside{source, until, true});
  if (auto i = sources_.find(source); i != sources_.end()) {
    i->second.resting_until = until;
    i->second.failures = 0;
    for (auto lease : std::set<lease_id>{i->second.leases})
      call_off(lease, now);
  }
  if (auto i = bodies_.find(transfer); i != bodies_.end()) {
    auto& body = i->second;
    body.excluded.insert(source);
    for (auto& x : dropped)
      body.done.erase(x);
    for (auto& x : dropped)
      reopen(body, x);
  }
  assign(now);
  for (auto& [id, body] : bodies_)
    check_hope(id, body, now);
}

/// Returns until when the source gets nothing.
instant scheduler::note_lie(const device_id& id, instant now) {
  std::erase_if(liars_,
                [&](auto& kv) { return kv.second.until + memory < now; });
  if (!liars_.contains(id) && liars_.size() >= max_liars)
    liars_.erase(std::ranges::min_element(
        liars_, {}, [](auto& kv) { return kv.second.until; }));
  auto& x = liars_[id];
  // Several samples of one body that differ are one lie.
  if (x.until <= now)
    x.until = now + first_time * (1 << std::min(x.times++, max_doublings));
  return x.until;
}

/// A source that comes back is where it was.
void scheduler::remember_lie(const device_id& id, source_state& source,
                             instant now) {
  auto i = liars_.find(id);
  if (i == liars_.end() || i->second.until <= now)
    return;
  source.resting_until = i->second.until;
  actions_.push_back(set_aside{id, i->second.until, true});
}

} // namespace peapod
