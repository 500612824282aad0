#pragma once

#include "core/scheduler.hpp"
#include "core/transfer.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// A pod in a few hundred lines: the real scheduler and the real transfers,
/// simulated lines and clients, a virtual clock.
namespace peapod::sim {

using namespace std::chrono_literals;

constexpr uint64_t megabyte = 1'000'000;

/// A megabit a second, in bytes a second.
constexpr double mbit = 125'000;

inline device_id device(char name) {
  device_id out;
  out.bytes[0] = static_cast<uint8_t>(name);
  return out;
}

/// The body that every origin serves: the byte at an offset follows from the
/// offset, and parts of it need no memory of their own.
inline slice content(byte_range range) {
  static const auto bytes = [] {
    byte_buffer out(9_MiB);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<uint8_t>(i % 251);
    return std::make_shared<const byte_buffer>(std::move(out));
  }();
  return {bytes, bytes->data() + range.begin % 251,
          static_cast<size_t>(range.size())};
}

/// Draws nothing but zeros: which samples are rechecked does not matter here.
inline void zeros(std::span<uint8_t> out) {
  std::ranges::fill(out, uint8_t{0});
}

/// What one device's line is asked to bring.
struct job {
  lease_id lease;
  size_t body;
  byte_range range;
  double at; ///< offset that has come over the line
  instant starts;
  uint64_t told; ///< offset that the transfer has
  bool cancelled = false;
};

/// A device and its internet connection.
struct line {
  char name = '?';
  source_traits traits;
  double rate = 0; ///< bytes a second
  duration latency{};
  bool present = true;
  bool frozen = false;
  /// How its answers go wrong, if they do.
  std::optional<chunk_failure> fails;
  std::list<job> jobs;
  double spent = 0; ///< bytes that came over the line
  unsigned grants = 0;
};

/// One pooled body and its client.
struct body {
  body(transfer_id id, uint64_t size, transfer::config cfg)
    : id(id), core({0, size}, cfg, zeros), picture(size / 256_KiB + 1, '.') {}

  transfer_id id;
  transfer core;
  std::string picture; ///< who brought the first byte of each 256 KiB
  interval_set asked;  ///< leased to somebody, not as a hedge
  double spine_at = 0; ///< offset that the spine has received
  bool spine_flows = true;
  bool spine_awaited = false;
  uint64_t told = 0;
  uint64_t told_delivered = 0;
  double client_rate = 1e12;
  double takes = 0; ///< bytes that the client may take
  uint64_t untaken = 0;
  uint64_t received = 0; ///< bytes that the client has
  bool open = true;
  bool exact = true; ///< every byte was the right one
  std::string gave_up;
  std::string failed;
  instant ended{};
  unsigned switches = 0;
  unsigned granted_twice = 0;
};

/// Runs it all in steps of a millisecond.
class pool {
public:
  explicit pool(scheduler_config config = {})
    : machine(config), config_(config) {}

  scheduler machine;
  instant now = instant{1s};
  std::map<char, line> lines;
  std::vector<body> bodies;
  std::vector<scheduler::action> history;
  unsigned beyond_window = 0;
  unsigned beyond_body = 0;

  line& join(char name, double rate, duration latency = 30ms,
             bool foreign = false) {
    auto& x = lines[name];
    x.jobs.clear();
    x.name = name;
    x.traits = {name == 'o', foreign};
    x.rate = rate;
    x.latency = latency;
    x.present = true;
    x.frozen = false;
    machine.source_joined(device(name), x.traits, now);
    pump();
    return x;
  }

  /// Leaves; what it was bringing is lost.
  void leave(char name) {
    auto& x = lines.at(name);
    x.present = false;
    x.jobs.clear();
    machine.source_left(device(name), now);
    pump();
  }

  size_t open(uint64_t size, double client_rate = 1e12) {
    transfer_id id;
    id.bytes[0] = static_cast<uint8_t>(bodies.size() + 1);
    transfer::config cfg;
    cfg.own = device('o');
    bodies.emplace_back(id, size, cfg);
    bodies.back().client_rate = client_rate;
    machine.transfer_opened(id, {0, size}, now);
    pump();
    return bodies.size() - 1;
  }

  void lose_spine(size_t index) {
    auto& x = bodies[index];
    if (!x.spine_flows)
      return;
    x.spine_flows = false;
    x.core.spine_ended();
    machine.spine_ended(x.id, x.core.spine(), now);
    pump();
  }

  /// Runs until all bodies have ended, at most for `limit`.
  bool run(duration limit = 60s) {
    auto until = now + limit;
    while (now < until && !idle())
      step();
    return idle();
  }

  void run_for(duration time) {
    for (auto until = now + time; now < until;)
      step();
  }

  bool idle() const {
    return std::none_of(bodies.begin(), bodies.end(),
                        [](auto& x) { return x.open; });
  }

  double spent() const {
    double out = 0;
    for (auto& [name, x] : lines)
      out += x.spent;
    return out;
  }

  void step() {
    now += 1ms;
    for (auto& [name, x] : lines)
      flow(x);
    for (size_t i = 0; i < bodies.size(); ++i)
      step_body(bodies[i]);
    if (auto at = machine.deadline(); at && *at <= now)
      machine.expire(now);
    pump();
  }

private:
  static constexpr double step_seconds = 0.001;
  static constexpr double spine_buffer = 256 * 1024;
  static constexpr duration fetch_timeout = 20s;

  // -- lines ------------------------------------------------------------------

  size_t active(const line& x) const {
    auto busy = [this](const job& j) { return j.starts <= now; };
    auto count = std::count_if(x.jobs.begin(), x.jobs.end(), busy);
    if (x.traits.own)
      for (auto& b : bodies)
        count += spine_wants(b);
    return static_cast<size_t>(count);
  }

  static bool spine_wants(const body& b) {
    return b.open && b.spine_flows
           && b.spine_at < static_cast<double>(b.core.body().end)
           && b.spine_at - static_cast<double>(b.core.spine()) < spine_buffer;
  }

  /// All that a line carries shares its rate evenly.
  void flow(line& x) {
    auto count = active(x);
    if (count == 0 || !x.present)
      return;
    auto share =
        x.frozen ? 0 : x.rate * step_seconds / static_cast<double>(count);
    if (x.traits.own)
      for (auto& b : bodies)
        if (spine_wants(b)) {
          b.spine_at += share;
          x.spent += share;
        }
    for (auto i = x.jobs.begin(); i != x.jobs.end();)
      i = bring(x, *i, share) ? x.jobs.erase(i) : std::next(i);
  }

  /// Returns whether the job has ended.
  bool bring(line& x, job& j, double share) {
    if (j.starts > now)
      return false;
    if (x.frozen && now - j.starts > fetch_timeout)
      return end(j, chunk_failure::unavailable);
    if (x.fails && *x.fails != chunk_failure::integrity)
      return end(j, *x.fails);
    auto before = j.at;
    j.at = std::min(j.at + share, static_cast<double>(j.range.end));
    x.spent += j.at - before;
    bool whole = j.at >= static_cast<double>(j.range.end);
    if (whole && x.fails)
      return end(j, *x.fails);
    // Peers send a chunk in one piece; the own line streams.
    auto upto = static_cast<uint64_t>(j.at);
    if (whole || (x.traits.own && upto >= j.told + 64_KiB))
      arrive(x, j, whole ? j.range.end : upto);
    return whole && end(j, std::nullopt);
  }

  void arrive(line& x, job& j, uint64_t upto) {
    if (j.cancelled)
      return;
    auto& b = bodies[j.body];
    byte_range part{std::exchange(j.told, upto), upto};
    paint(b, part, x.name);
    b.core.chunk_arrived(device(x.name), part.begin, content(part),
                         !x.traits.foreign);
    machine.lease_progressed(j.lease, upto, now);
  }

  bool end(const job& j, std::optional<chunk_failure> failure) {
    if (!j.cancelled) {
      if (failure)
        machine.lease_failed(j.lease, *failure, j.told, now);
      else
        machine.lease_done(j.lease, now);
    }
    return true;
  }

  static void paint(body& b, byte_range part, char name) {
    for (auto i = (part.begin + 256_KiB - 1) / 256_KiB; i * 256_KiB < part.end;
         ++i)
      if (b.picture[i] == '.')
        b.picture[i] = name;
  }

  // -- bodies -----------------------------------------------------------------

  void step_body(body& b) {
    if (!b.open)
      return;
    read_spine(b);
    b.takes = std::min(b.takes + b.client_rate * step_seconds, 1e9);
    auto taken = std::min<uint64_t>(b.untaken, static_cast<uint64_t>(b.takes));
    b.takes -= static_cast<double>(taken);
    b.untaken -= taken;
    if (taken > 0)
      b.core.client_took(taken);
    pump(b);
    auto spine = b.core.spine();
    auto delivered = b.core.delivered();
    if (b.open
        && (spine >= b.told + 64_KiB
            || delivered >= b.told_delivered + 64_KiB)) {
      b.told = spine;
      b.told_delivered = delivered;
      machine.progressed(b.id, spine, delivered, now);
    }
  }

  void read_spine(body& b) {
    byte_range part{b.core.spine(), static_cast<uint64_t>(b.spine_at)};
    part.end = std::min({part.end, part.begin + 256_KiB, b.core.body().end});
    if (!b.spine_awaited || !b.spine_flows || part.empty())
      return;
    b.spine_awaited = false;
    paint(b, part, 'S');
    b.core.spine_arrived(content(part));
    if (part.end == b.core.body().end) {
      b.spine_flows = false;
      b.core.spine_ended();
    }
  }

  void pump(body& b) {
    while (auto action = b.core.poll())
      std::visit([&](auto& x) { perform(b, x); }, *action);
  }

  void perform(body& b, transfer::deliver& x) {
    byte_range range{b.received, b.received + x.bytes.size()};
    b.exact =
        b.exact
        && std::memcmp(x.bytes.data(), content(range).data(), x.bytes.size())
               == 0;
    b.received = range.end;
    b.untaken += x.bytes.size();
    if (x.last)
      close(b);
  }

  void perform(body& b, transfer::read_spine&) {
    b.spine_awaited = true;
  }

  void perform(body& b, transfer::stop_spine&) {
    b.spine_flows = false;
    machine.spine_ended(b.id, b.core.spine(), now);
  }

  void perform(body& b, transfer::recheck& x) {
    b.core.rechecked(content(x.range));
  }

  void perform(body& b, transfer::abort& x) {
    b.failed = to_string(x.why);
    close(b);
  }

  void close(body& b) {
    b.open = false;
    b.ended = now;
    machine.transfer_closed(b.id, now);
  }

  // -- what the scheduler decides ---------------------------------------------

  size_t index_of(const transfer_id& id) const {
    return id.bytes[0] - 1u;
  }

  void pump() {
    while (auto action = machine.poll()) {
      history.push_back(*action);
      std::visit([this](auto& x) { perform(x); }, *action);
    }
  }

  void perform(const scheduler::grant& x) {
    auto& b = bodies[index_of(x.transfer)];
    auto& from = lines.at(static_cast<char>(x.source.bytes[0]));
    ++from.grants;
    if (!x.hedge) {
      b.granted_twice += b.asked.intersects(x.range);
      b.asked.insert(x.range);
    }
    auto window = std::max(config_.memory, 2 * config_.chunk_size);
    beyond_window += x.range.end > b.core.delivered() + window;
    beyond_body += x.range.empty() || x.range.end > b.core.body().end;
    if (x.hedge)
      b.core.hedged(x.range.size());
    from.jobs.push_back(job{x.lease, index_of(x.transfer), x.range,
                            static_cast<double>(x.range.begin),
                            now + from.latency, x.range.begin});
  }

  /// The own line closes its connection; a peer cannot be called off.
  void perform(const scheduler::cancel& x) {
    auto& from = lines.at(static_cast<char>(x.source.bytes[0]));
    if (from.traits.own)
      from.jobs.remove_if([&](auto& j) { return j.lease == x.lease; });
    for (auto& j : from.jobs)
      if (j.lease == x.lease)
        j.cancelled = true;
  }

  void perform(const scheduler::switch_spine& x) {
    auto& b = bodies[index_of(x.transfer)];
    ++b.switches;
    b.core.switch_planned(x.limit);
  }

  void perform(const scheduler::give_up& x) {
    auto& b = bodies[index_of(x.transfer)];
    b.gave_up = x.reason;
    b.core.fail(make_error(errc::origin_refused, x.reason));
    pump(b);
  }

  void perform(const scheduler::set_aside&) {}

  scheduler_config config_;
};

/// Bytes of the body by the bytes that the lines could have brought meanwhile.
inline double efficiency(const pool& x, const body& b, instant begin) {
  double rates = 0;
  for (auto& [name, y] : x.lines)
    rates += y.rate;
  auto seconds = std::chrono::duration<double>(b.ended - begin).count();
  return static_cast<double>(b.core.body().size()) / (seconds * rates);
}

/// Bytes that came over some line in vain, by those of the body.
inline double waste(const pool& x, const body& b) {
  auto size = static_cast<double>(b.core.body().size());
  return (x.spent() - size) / size;
}

} // namespace peapod::sim
