#include "tests/sim/link.hpp"
#include "tests/sim/pool.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

/// What the lines of a pod carry, and could carry.
namespace peapod::sim {

namespace {

/// How much of a spine the kernel holds that was not read.
constexpr double spine_buffer = 256 * 1024;

constexpr duration fetch_timeout = 20s;

/// Connections to one origin at a time that nobody complains about.
constexpr size_t polite_connections = 6;

/// A line that streams tells of so many bytes, or after so long of fewer.
constexpr uint64_t tell_bytes = 64_KiB;
constexpr duration tell_time = 50ms;

bool spine_wants(const body& b) {
  return b.open && b.spine_flows
         && b.spine_at < static_cast<double>(b.core.body().end)
         && b.spine_at - static_cast<double>(b.core.spine()) < spine_buffer;
}

slice wrong_content(byte_range range) {
  auto right = content(range);
  byte_buffer out(right.bytes().begin(), right.bytes().end());
  for (auto& x : out)
    ++x;
  return slice{std::move(out)};
}

} // namespace

size_t pool::connections(const line& x) const {
  auto count = std::count_if(x.jobs.begin(), x.jobs.end(),
                             [](auto& j) { return j.where == stage::wan; });
  if (x.traits.own)
    count += std::count_if(bodies.begin(), bodies.end(),
                           [](auto& b) { return b.open && b.spine_flows; });
  return static_cast<size_t>(count);
}

/// All that a line carries shares its rate evenly, and so does what goes over
/// the network between the devices.
void pool::share_lines() {
  flows_.clear();
  std::map<char, std::vector<size_t>> links;
  std::vector<size_t> lan;
  std::vector<double> caps;
  auto add = [&](char link, flow x, double cap) {
    links[link].push_back(flows_.size());
    flows_.push_back(x);
    caps.push_back(cap);
  };
  for (auto& [name, x] : lines) {
    auto link = x.shares ? x.shares : name;
    auto cap = x.frozen || !x.present ? 0 : x.origin.per_connection;
    for (auto& j : x.jobs) {
      if (j.where != stage::wan && j.where != stage::lan)
        continue;
      if (j.where == stage::lan || (x.streams() && !x.traits.own))
        lan.push_back(flows_.size());
      if (j.where == stage::wan) {
        add(link, {&j.left, &x.spent, j.left, 0, false}, cap);
      } else {
        flows_.push_back({&j.left, nullptr, j.left, unlimited, false});
        caps.push_back(unlimited);
      }
    }
    if (!x.traits.own)
      continue;
    for (auto& b : bodies)
      if (spine_wants(b)) {
        auto end = static_cast<double>(b.core.body().end);
        auto room = static_cast<double>(b.core.spine()) + spine_buffer;
        add(link,
            {&b.spine_at, &x.spent, std::min(end, room) - b.spine_at, 0, true},
            cap);
      }
  }
  for (auto& [link, members] : links)
    share_link(lines.at(link).rate, members, caps);
  // What streams over both goes no faster here than it came there.
  for (auto i : lan)
    caps[i] = flows_[i].rate;
  share_link(lan_rate, lan, caps);
}

void pool::share_link(double rate, const std::vector<size_t>& members,
                      const std::vector<double>& caps) {
  std::vector<double> limits;
  for (auto i : members)
    limits.push_back(caps[i]);
  auto rates = share(rate, limits);
  for (size_t i = 0; i < members.size(); ++i)
    flows_[members[i]].rate = std::min(rates[i], 1e12);
}

/// What a line could bring now, of what the origin gives and the network
/// between the devices carries.
double pool::capacity(const line& x) const {
  if (!x.present || x.frozen || x.fails)
    return 0;
  auto connections = std::min(x.origin.max_connections, polite_connections);
  auto most = x.origin.per_connection * static_cast<double>(connections);
  if (!x.traits.own)
    most = std::min(most, lan_rate);
  return std::min(lines.at(x.shares ? x.shares : x.name).rate, most);
}

/// What all lines together could bring now.
double pool::capacity() const {
  std::set<char> counted;
  double own = 0;
  double peers = 0;
  for (auto& [name, x] : lines) {
    auto link = x.shares ? x.shares : name;
    if (!x.present || x.frozen || x.fails || !counted.insert(link).second)
      continue;
    (x.traits.own ? own : peers) += capacity(x);
  }
  return own + std::min(peers, lan_rate);
}

/// How long what is asked of a line takes until it begins to come. The client's
/// own request is under way when a body begins.
duration pool::way(const line& x) const {
  return x.traits.own ? duration{} : lan_latency + x.latency;
}

/// What a device alone would bring, of what its line could. A foreign one has
/// one range at a time, which goes as a whole.
double pool::alone(const line& x) const {
  auto rate = capacity(x);
  if (!x.traits.foreign || rate <= 0)
    return rate;
  constexpr double bytes = 1_MiB;
  return bytes / (bytes / rate + bytes / lan_rate + seconds(way(x)));
}

void pool::move(duration time) {
  offered += capacity() * seconds(time);
  auto all = size();
  for (auto& [name, x] : lines) {
    auto begins = std::max(now, x.joined + way(x));
    auto flows = std::max(now + time - begins, duration{});
    x.offered += alone(x) * seconds(flows);
    if (x.alone == instant{} && x.offered >= all)
      x.alone = now + time;
  }
  for (auto& x : flows_) {
    auto bytes = std::min(x.rate * seconds(time), x.upto);
    *x.bytes += x.counts_up ? bytes : -bytes;
    if (x.spent)
      *x.spent += bytes;
  }
}

/// What has come where it goes next.
void pool::settle() {
  for (auto& [name, x] : lines)
    for (auto i = x.jobs.begin(); i != x.jobs.end();)
      i = settle_job(x, *i) ? x.jobs.erase(i) : std::next(i);
}

/// Returns whether the job has ended.
bool pool::settle_job(line& x, job& j) {
  if (j.recheck > 0)
    return settle_recheck(x, j);
  if (j.where == stage::asked && now >= j.since + x.latency) {
    if (x.fails && *x.fails != chunk_failure::integrity)
      return end(j, *x.fails, x.origin.retry_after);
    if (connections(x) >= x.origin.max_connections) {
      ++x.turned_away;
      return end(j, chunk_failure::busy, x.origin.retry_after);
    }
    j.where = stage::wan;
    j.since = j.told_at = now;
    j.left = static_cast<double>(j.range.size());
  }
  if (j.where == stage::wan) {
    if (x.frozen && now - j.since > fetch_timeout)
      return end(j, chunk_failure::unavailable);
    bool whole = j.left < 0.5;
    if (whole)
      return fetched(x, j);
    if (x.streams()) {
      auto upto = j.range.end - static_cast<uint64_t>(std::ceil(j.left));
      if (upto >= j.told + tell_bytes
          || (upto > j.told && now - j.told_at >= tell_time))
        arrive(x, j, upto);
    }
  }
  if (j.where == stage::lan && j.left < 0.5) {
    if (x.fails)
      return end(j, *x.fails);
    arrive(x, j, j.range.end);
    return end(j, std::nullopt);
  }
  return false;
}

/// All of it has come over the line. What streams has told of most of it
/// before; others send a range in one piece.
bool pool::fetched(line& x, job& j) {
  if (x.streams()) {
    if (x.fails)
      return end(j, *x.fails);
    arrive(x, j, j.range.end);
    return end(j, std::nullopt);
  }
  j.where = stage::lan;
  j.since = now;
  j.left = static_cast<double>(j.range.size());
  if (lan_rate < unlimited)
    return false;
  j.left = 0;
  return settle_job(x, j);
}

void pool::arrive(line& x, job& j, uint64_t upto) {
  if (j.cancelled)
    return;
  auto& b = bodies[j.body];
  byte_range part{std::exchange(j.told, upto), upto};
  j.told_at = now;
  b.paint(part, x.name);
  b.core.chunk_arrived(
      device(x.name), part.begin, x.lies ? wrong_content(part) : content(part),
      x.traits.foreign ? standing::foreign : standing::claimed);
  tell([&](auto& who) { who.lease_progressed(j.lease, upto, now); });
}

bool pool::end(const job& j, std::optional<chunk_failure> failure,
               std::optional<duration> retry_after) {
  if (j.cancelled)
    return true;
  if (failure)
    tell([&](auto& who) {
      who.lease_failed(j.lease, *failure, j.told, now, retry_after);
    });
  else
    tell([&](auto& who) { who.lease_done(j.lease, now); });
  return true;
}

} // namespace peapod::sim
