#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace peapod::sim {

namespace {

/// The same numbers on every machine, which the distributions of the standard
/// library do not promise (splitmix64).
class dice {
public:
  explicit dice(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    auto x = (state_ += 0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  double uniform(double low, double high) {
    return low
           + (high - low) * static_cast<double>(bits() >> 11)
                 / static_cast<double>(1ull << 53);
  }

  /// Each order of magnitude is as likely as another.
  double magnitude(double low, double high) {
    return std::exp(uniform(std::log(low), std::log(high)));
  }

  bool chance(double share) {
    return uniform(0, 1) < share;
  }

  duration time(duration low, duration high) {
    return duration{static_cast<int64_t>(uniform(
        static_cast<double>(low.count()), static_cast<double>(high.count())))};
  }

private:
  uint64_t state_;
};

constexpr std::string_view names =
    "oabcdefghijklmnpqrstuvwxyzABCDEFGHIJKLMNOPQR"
    "TUVWXYZ0123456789+-*/";

member make_member(dice& random, char name, const scenario_limits& limits) {
  member out{name,
             mbit * random.magnitude(1, 200),
             random.time(5ms, 150ms),
             name != 'o' && random.chance(0.05),
             incident::none,
             random.time(0s, 8s),
             random.time(500ms, 5s)};
  // One draw whether anything happens, so that pods differ in nothing else.
  auto drawn = random.uniform(0, 1);
  if (!limits.incidents)
    return out;
  if (drawn < 0.05)
    out.what = name == 'o' ? incident::fluctuates : incident::leaves;
  else if (drawn < 0.08)
    out.what = name == 'o' ? incident::collapses : incident::returns;
  else if (drawn < 0.12)
    out.what = incident::freezes;
  else if (drawn < 0.17)
    out.what = incident::collapses;
  else if (drawn < 0.4)
    out.what = incident::fluctuates;
  return out;
}

/// Some origins limit each connection, or how many a device may have; and some
/// refuse whoever comes from another address than the client's.
void add_manners(scenario& out) {
  dice random{~out.seed};
  if (random.chance(0.3))
    out.origin.per_connection = mbit * random.magnitude(2, 50);
  if (random.chance(0.3)) {
    out.origin.max_connections = 1 + random.bits() % 4;
    if (random.chance(0.5))
      out.origin.retry_after = std::chrono::seconds{1 + random.bits() % 3};
  }
  auto share = random.chance(0.3) ? random.uniform(0.1, 1) : 0.0;
  for (auto& x : out.members)
    x.refused = x.name != 'o' && random.chance(share);
}

/// Between what shares of its rate a line fluctuates, and what it has of it on
/// average (each order of magnitude is as likely as another).
constexpr double least_fluctuation = 1 / 3.0;
constexpr double most_fluctuation = 1.5;
const double average_fluctuation =
    (most_fluctuation - least_fluctuation)
    / std::log(most_fluctuation / least_fluctuation);

/// Another rate every so often.
void fluctuate(pool& p, const member& x, uint64_t seed) {
  auto random = std::make_shared<dice>(seed ^ static_cast<uint64_t>(x.name));
  auto again = std::make_shared<std::function<void()>>();
  std::weak_ptr<std::function<void()>> weak = again;
  *again = [&p, name = x.name, rate = x.rate, random, weak] {
    p.lines.at(name).rate =
        rate * random->magnitude(least_fluctuation, most_fluctuation);
    if (auto self = weak.lock())
      p.at(p.now + random->time(100ms, 2s), [self] { (*self)(); });
  };
  p.at(p.now + random->time(0s, 500ms), [again] { (*again)(); });
}

void prepare(pool& p, const member& x, uint64_t seed) {
  auto when = p.now + x.when;
  auto name = x.name;
  switch (x.what) {
    case incident::none:
      return;
    case incident::leaves:
      p.at(when, [&p, name] { p.leave(name); });
      return;
    case incident::returns:
      p.at(when, [&p, name] { p.leave(name); });
      p.at(when + x.length,
           [&p, x] { p.join(x.name, x.rate, x.latency, x.foreign); });
      return;
    case incident::freezes:
      p.at(when, [&p, name] { p.lines.at(name).frozen = true; });
      p.at(when + x.length, [&p, name] { p.lines.at(name).frozen = false; });
      return;
    case incident::collapses:
      p.at(when, [&p, name] { p.lines.at(name).rate /= 10; });
      return;
    case incident::fluctuates:
      fluctuate(p, x, seed);
  }
}

std::string_view word(incident x) {
  static constexpr std::string_view words[] = {
      "", " leaves", " returns", " freezes", " collapses", " fluctuates"};
  return words[static_cast<size_t>(x)];
}

} // namespace

scenario make_scenario(uint64_t seed, scenario_limits limits) {
  dice random{seed};
  scenario out;
  out.seed = seed;
  out.audit = limits.audit;
  out.secure = limits.secure;
  auto devices = static_cast<size_t>(std::lround(
      random.magnitude(static_cast<double>(limits.min_devices) - 0.49,
                       static_cast<double>(limits.max_devices) + 0.49)));
  devices = std::clamp(devices, limits.min_devices, limits.max_devices);
  double rates = 0;
  for (size_t i = 0; i < devices; ++i) {
    out.members.push_back(make_member(random, names[i], limits));
    rates += out.members.back().rate;
  }
  out.lan_rate = mbit * random.magnitude(100, 1000);
  out.lan_latency = random.time(500us, 5ms);
  auto own = out.members.front().rate;
  auto all = own + std::min(rates - own, out.lan_rate);
  auto bodies = random.chance(0.8) ? 1u : random.chance(0.5) ? 2u : 4u;
  for (unsigned i = 0; i < bodies; ++i)
    out.sizes.push_back(
        static_cast<uint64_t>(all * random.uniform(3, 20) / bodies));
  if (limits.origins)
    add_manners(out);
  return out;
}

std::string describe(const scenario& x) {
  std::string out = "seed " + std::to_string(x.seed) + ":";
  char text[80];
  for (auto& y : x.members) {
    std::snprintf(text, sizeof text, " %c=%.1f%s%s%s", y.name, y.rate / mbit,
                  y.foreign ? "f" : "", std::string{word(y.what)}.c_str(),
                  y.refused ? " refused" : "");
    out += text;
  }
  std::snprintf(text, sizeof text, "; lan %.0f Mbit/s;", x.lan_rate / mbit);
  out += text;
  for (auto size : x.sizes)
    out += " " + std::to_string(size / megabyte) + " MB";
  if (x.origin.per_connection < unlimited) {
    std::snprintf(text, sizeof text, "; %.1f Mbit/s a connection",
                  x.origin.per_connection / mbit);
    out += text;
  }
  if (x.origin.max_connections < 1000)
    out += "; " + std::to_string(x.origin.max_connections)
           + " connections a device";
  return out;
}

namespace {

/// The time that a line alone takes, by the time that the pod took. Where the
/// line would not have ended yet: by what it would have brought so far.
double by_line(const line& x, double bytes, instant start, instant end) {
  if (x.alone != instant{})
    return seconds(x.alone - start) / seconds(end - start);
  return bytes / std::max(x.offered, 1.0);
}

/// The pod of a scenario, with its downloads begun.
std::unique_ptr<pool> begin(const scenario& x, std::optional<fixed_plan> plan) {
  scheduler_config config;
  config.memory = 32_MiB;
  auto p = std::make_unique<pool>(config);
  p->resolution = 10ms;
  p->lan_rate = x.lan_rate;
  p->lan_latency = x.lan_latency;
  p->audit = x.audit;
  p->secure = x.secure;
  if (plan)
    p->rival.emplace(*plan);
  for (auto& y : x.members) {
    if (p->rival)
      p->rival->expect(device(y.name), y.rate);
    auto& line = p->join(y.name, y.rate, y.latency, y.foreign);
    line.origin = x.origin;
    if (y.refused)
      line.fails = chunk_failure::refused;
    prepare(*p, y, x.seed);
  }
  for (auto size : x.sizes)
    p->open(size);
  return p;
}

} // namespace

char picked_in_advance(const scenario& x) {
  auto average = [&](const member& y) {
    auto rate = y.name == 'o' ? y.rate : std::min(y.rate, x.lan_rate);
    return y.what == incident::fluctuates ? average_fluctuation * rate : rate;
  };
  return std::ranges::max_element(x.members, {}, average)->name;
}

outcome run(const scenario& x, std::optional<fixed_plan> plan) {
  auto p = begin(x, plan);
  auto start = p->now;
  outcome out;
  out.complete = p->run(2h);
  out.time = p->now - start;
  out.exact = out.complete;
  if (!out.complete)
    out.problem = "did not end in ten minutes";
  double bytes = 0;
  for (auto& b : p->bodies) {
    bytes += static_cast<double>(b.core.body().size());
    out.exact = out.exact && b.exact;
    if (b.open || b.failed.empty())
      continue;
    out.complete = false;
    out.problem = b.failed;
  }
  out.best_line = std::numeric_limits<double>::infinity();
  for (auto& [name, line] : p->lines)
    out.best_line =
        std::min(out.best_line, by_line(line, bytes, start, p->now));
  auto picked = picked_in_advance(x);
  out.picked_line = by_line(p->lines.at(picked), bytes, start, p->now);
  out.efficiency = bytes / p->offered;
  out.own_line = by_line(p->lines.at('o'), bytes, start, p->now);
  out.waste = (p->spent() - bytes) / bytes;
  return out;
}

std::string trace(const scenario& x) {
  constexpr auto interval = 200ms;
  auto p = begin(x, std::nullopt);
  std::string out = describe(x) + "\n";
  std::map<char, double> before;
  char text[80];
  while (!p->idle() && p->now < instant{600s}) {
    auto offered = p->offered;
    auto spent = p->spent();
    p->run_for(interval);
    std::snprintf(text, sizeof text, "%5.1f s %3.0f %%",
                  seconds(p->now - instant{1s}),
                  100 * (p->spent() - spent) / (p->offered - offered));
    out += text;
    for (auto& b : p->bodies) {
      std::snprintf(text, sizeof text, " %.1f/%.1f/%.1f",
                    static_cast<double>(b.core.taken()) / megabyte,
                    static_cast<double>(b.core.here().bound()) / megabyte,
                    static_cast<double>(b.asked.bound()) / megabyte);
      out += text;
    }
    for (auto& [name, line] : p->lines) {
      auto used = (line.spent - before[name]) / seconds(interval);
      std::snprintf(text, sizeof text, " %c%.0f", name, used / mbit);
      out += text;
      if (line.jobs.size() != 2)
        out += "(" + std::to_string(line.jobs.size()) + ")";
      before[name] = line.spent;
    }
    out += "\n";
  }
  return out;
}

} // namespace peapod::sim
