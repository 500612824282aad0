#include "tests/sim/pool.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <utility>
#include <variant>

namespace peapod::sim {

namespace {

/// How many ranges a device fetches for another at a time.
constexpr size_t max_serving = 6;

/// How often the scheduler looks at what is late, as in a daemon.
constexpr duration tick_interval = 100ms;

/// The same draws in each run: which samples are taken matters little here.
random_source draws() {
  return [engine = std::mt19937{7}](std::span<uint8_t> out) mutable {
    for (auto& x : out)
      x = static_cast<uint8_t>(engine());
  };
}

transfer::config transfer_config(unsigned audit) {
  transfer::config out;
  out.own = device('o');
  out.audit = audit;
  return out;
}

char name_of(const device_id& id) {
  return static_cast<char>(id.bytes[0]);
}

} // namespace

size_t index_of(const transfer_id& id) {
  return id.bytes[0] - 1u;
}

device_id device(char name) {
  device_id out;
  out.bytes[0] = static_cast<uint8_t>(name);
  return out;
}

slice content(byte_range range) {
  static const auto bytes = [] {
    byte_buffer out(9_MiB);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<uint8_t>(i % 251);
    return std::make_shared<const byte_buffer>(std::move(out));
  }();
  return {bytes, bytes->data() + range.begin % 251,
          static_cast<size_t>(range.size())};
}

double seconds(duration x) {
  return std::chrono::duration<double>(x).count();
}

bool line::streams() const {
  return traits.own || traits.stops;
}

body::body(transfer_id id, uint64_t size, double client_rate,
           std::string origin, unsigned audit)
  : id(id),
    origin(std::move(origin)),
    core({0, size}, transfer_config(audit), draws()),
    picture(size / 256_KiB + 1, '.'),
    client_rate(client_rate) {}

void body::paint(byte_range part, char name) {
  for (auto i = (part.begin + 256_KiB - 1) / 256_KiB; i * 256_KiB < part.end;
       ++i)
    if (picture[i] == '.')
      picture[i] = name;
}

// -- what tests do ------------------------------------------------------------

line& pool::join(char name, double rate, duration latency, bool foreign) {
  auto& x = lines[name];
  x.jobs.clear();
  x.name = name;
  x.traits = {name == 'o', foreign, secure && name != 'o' && !foreign};
  x.rate = rate;
  x.latency = latency;
  x.present = true;
  x.frozen = false;
  x.joined = now;
  tell([&](auto& who) { who.source_joined(device(name), x.traits, now); });
  pump();
  return x;
}

void pool::leave(char name) {
  auto& x = lines.at(name);
  x.present = false;
  for (auto& j : std::exchange(x.jobs, {}))
    if (j.recheck > 0 && bodies[j.body].open)
      bodies[j.body].core.not_rechecked(j.recheck, "the line has gone");
  tell([&](auto& who) { who.source_left(device(name), now); });
  pump();
}

size_t pool::open(uint64_t size, double client_rate, std::string origin) {
  transfer_id id;
  id.bytes[0] = static_cast<uint8_t>(bodies.size() + 1);
  bodies.emplace_back(id, size, client_rate, origin, audit);
  bodies.back().opened = now;
  // The way that its request took is that of the own line.
  auto own = lines.find('o');
  auto head = own == lines.end() ? duration{} : own->second.latency;
  tell([&](auto& who) {
    who.transfer_opened(id, origin, {0, size}, now, head);
  });
  pump();
  return bodies.size() - 1;
}

void pool::lose_spine(size_t index) {
  auto& x = bodies[index];
  if (!x.spine_flows)
    return;
  x.spine_flows = false;
  x.core.spine_ended();
  tell([&](auto& who) { who.spine_ended(x.id, x.core.spine(), now); });
  pump();
}

bool pool::run(duration limit) {
  auto until = now + limit;
  while (now < until && !idle())
    step_until(until);
  return idle();
}

void pool::run_for(duration time) {
  for (auto until = now + time; now < until;)
    step_until(until);
}

bool pool::idle() const {
  return std::none_of(bodies.begin(), bodies.end(),
                      [](auto& x) { return x.open; });
}

double pool::spent() const {
  double out = 0;
  for (auto& [name, x] : lines)
    out += x.spent;
  return out;
}

double pool::size() const {
  double out = 0;
  for (auto& b : bodies)
    out += static_cast<double>(b.core.body().size());
  return out;
}

// -- time ---------------------------------------------------------------------

void pool::step_until(instant limit) {
  start_jobs();
  share_lines();
  auto next = next_event(std::min(limit, now + resolution));
  auto time = next - now;
  move(time);
  now = next;
  settle();
  for (auto& b : bodies)
    step_body(b, time);
  while (!script_.empty() && script_.begin()->first <= now) {
    auto what = std::move(script_.begin()->second);
    script_.erase(script_.begin());
    what();
  }
  if (tick_ && *tick_ <= now) {
    tick_.reset();
    tell([&](auto& who) { who.expire(now); });
  }
  pump();
}

/// When a flow ends, a message arrives or something is due, if before `limit`.
instant pool::next_event(instant limit) {
  auto out = limit;
  auto consider = [&](instant at) { out = std::min(out, std::max(at, now)); };
  for (auto& x : flows_)
    if (x.rate > 0 && x.upto < x.rate * 3600)
      consider(now + duration{1}
               + std::chrono::duration_cast<duration>(
                   std::chrono::duration<double>(x.upto / x.rate)));
  for (auto& [name, x] : lines)
    for (auto& j : x.jobs)
      if (j.where == stage::asked)
        consider(j.since + x.latency);
  if (!script_.empty())
    consider(script_.begin()->first);
  if (tick_)
    consider(*tick_);
  return out;
}

/// A peer brings six at a time; those that wait begin when there is room.
void pool::start_jobs() {
  for (auto& [name, x] : lines) {
    auto busy = std::count_if(x.jobs.begin(), x.jobs.end(), [](auto& j) {
      return j.where == stage::asked || j.where == stage::wan;
    });
    for (auto& j : x.jobs) {
      auto asked = j.granted + (x.traits.own ? duration{} : lan_latency);
      if (j.where != stage::queued || now < asked)
        continue;
      if (!x.traits.own && static_cast<size_t>(busy) >= max_serving)
        break;
      j.where = stage::asked;
      j.since = now;
      ++busy;
    }
  }
}

// -- bodies -------------------------------------------------------------------

void pool::step_body(body& b, duration time) {
  if (!b.open)
    return;
  read_spine(b);
  pump(b);
  b.takes = std::min(b.takes + b.client_rate * seconds(time), 1e9);
  // Who takes everything at once does not do so in steps.
  do
    take(b);
  while (b.open && b.client_rate == unlimited && b.untaken > 0);
  auto spine = b.core.spine();
  auto released = b.core.taken();
  if (b.open
      && (spine >= b.told + 64_KiB || released >= b.told_taken + 64_KiB)) {
    b.told = spine;
    b.told_taken = released;
    tell([&](auto& who) { who.progressed(b.id, spine, released, now); });
  }
}

void pool::take(body& b) {
  auto taken = b.untaken;
  if (b.client_rate < unlimited) {
    taken = std::min(taken, static_cast<uint64_t>(b.takes));
    b.takes -= static_cast<double>(taken);
  }
  b.untaken -= taken;
  if (taken > 0)
    b.core.client_took(taken);
  pump(b);
}

void pool::read_spine(body& b) {
  byte_range part{b.core.spine(), static_cast<uint64_t>(b.spine_at + 0.001)};
  part.end = std::min({part.end, part.begin + 256_KiB, b.core.body().end});
  if (!b.spine_awaited || !b.spine_flows || part.empty())
    return;
  b.spine_awaited = false;
  b.paint(part, 'S');
  b.core.spine_arrived(content(part));
  if (part.end == b.core.body().end) {
    b.spine_flows = false;
    b.core.spine_ended();
  }
}

void pool::pump(body& b) {
  while (auto action = b.core.poll())
    std::visit([&](auto& x) { perform(b, x); }, *action);
}

void pool::perform(body& b, transfer::deliver& x) {
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

void pool::perform(body& b, transfer::read_spine&) {
  b.spine_awaited = true;
}

void pool::perform(body& b, transfer::stop_spine&) {
  b.spine_flows = false;
  tell([&](auto& who) { who.spine_ended(b.id, b.core.spine(), now); });
}

void pool::perform(body& b, transfer::abort& x) {
  b.failed = to_string(x.why);
  close(b);
}

void pool::close(body& b) {
  b.open = false;
  b.ended = now;
  tell([&](auto& who) { who.transfer_closed(b.id, now); });
}

// -- what the scheduler decides -----------------------------------------------

std::optional<scheduler::action> pool::poll() {
  return rival ? rival->poll() : machine.poll();
}

void pool::pump() {
  while (auto action = poll()) {
    history.push_back(*action);
    std::visit([this](auto& x) { perform(x); }, *action);
  }
  if (!tick_ && !idle())
    tick_ = now + tick_interval;
}

void pool::perform(const scheduler::grant& x) {
  auto& b = bodies[index_of(x.transfer)];
  auto& from = lines.at(name_of(x.source));
  ++from.grants;
  if (!x.hedge) {
    b.granted_twice += b.asked.intersects(x.range);
    b.asked.insert(x.range);
  }
  auto window = std::max(config_.memory, 2 * config_.chunk_size);
  beyond_window += !rival && x.range.end > b.core.taken() + window;
  beyond_body += x.range.empty() || x.range.end > b.core.body().end;
  if (x.hedge)
    b.core.hedged(x.range.size());
  job j{};
  j.lease = x.lease;
  j.body = index_of(x.transfer);
  j.range = x.range;
  j.granted = j.since = now;
  j.told = x.range.begin;
  from.jobs.push_back(j);
}

/// The own line closes its connection, and a peer that knows the word stops;
/// others go on.
void pool::perform(const scheduler::cancel& x) {
  auto& from = lines.at(name_of(x.source));
  if (from.streams())
    from.jobs.remove_if([&](auto& j) { return j.lease == x.lease; });
  for (auto& j : from.jobs)
    if (j.lease == x.lease)
      j.cancelled = true;
}

void pool::perform(const scheduler::switch_spine& x) {
  auto& b = bodies[index_of(x.transfer)];
  ++b.switches;
  b.core.switch_planned(x.limit);
}

void pool::perform(const scheduler::give_up& x) {
  auto& b = bodies[index_of(x.transfer)];
  b.gave_up = x.reason;
  b.core.fail(make_error(errc::origin_refused, x.reason));
  pump(b);
}

void pool::perform(const scheduler::set_aside&) {}
void pool::perform(const scheduler::same_line&) {}

// -- figures ------------------------------------------------------------------

double efficiency(const pool& x, const body& b, instant begin) {
  double rates = 0;
  for (auto& [name, y] : x.lines)
    rates += y.rate;
  return static_cast<double>(b.core.body().size())
         / (seconds(b.ended - begin) * rates);
}

double waste(const pool& x, const body& b) {
  auto size = static_cast<double>(b.core.body().size());
  return (x.spent() - size) / size;
}

} // namespace peapod::sim
