#include "actors/line_watcher.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = line_watcher_state::self_pointer;

/// How often lines are looked at: others stand in for one of several.
constexpr duration look_interval = 1s;
constexpr duration look_interval_alone = 10s;

/// How often a public address is asked for, and after a failure.
constexpr duration ask_interval = 10min;
constexpr duration ask_again = 1min;

void note(self_pointer self, wan_line& line, const egress_facts& now) {
  if (line.facts.get() == now)
    return;
  line.facts.set(now);
  ++self->state.env->lines.edition;
}

/// What the log calls it.
std::string name_of(const wan_line& x) {
  return x.port.name.empty() ? "this device" : "line " + x.port.name;
}

void ask(self_pointer self, size_t at, wan_line& line) {
  auto& x = self->state.lines[at];
  x.asking = true;
  x.ask_at = now_of(self) + ask_interval;
  auto round = ++x.round;
  line.port.probe->ask(
      send_back(self, [at, round](result<public_addresses> outcome) {
        return address_learned{at, round, std::move(outcome)};
      }));
}

/// Whether it leaves by another way than before.
bool has_moved(const line_look& before, const line_look& now) {
  auto& x = before.facts;
  auto& y = now.facts;
  return before.up != now.up
         || x.interface != y.interface || x.gateway != y.gateway
         || (!x.gateway_mac.empty() && !y.gateway_mac.empty()
             && x.gateway_mac != y.gateway_mac);
}

/// Another way has another public address; on the same one it stays until it is
/// asked for again.
void look(self_pointer self, size_t at, wan_line& line) {
  auto& x = self->state.lines[at];
  auto now = line.port.probe->look();
  if (line.up != now.up)
    line.fetcher.tell(line_changed{now.up});
  if (has_moved(x.last, now)) {
    x.ask_at = instant{};
    x.asking = false;
    ++x.round;
  } else {
    auto known = line.facts.get();
    now.facts.public_v4 = known.public_v4;
    now.facts.public_v6 = known.public_v6;
    // The kernel forgets neighbours that nobody has spoken to for a while.
    if (now.facts.gateway_mac.empty())
      now.facts.gateway_mac = known.gateway_mac;
  }
  note(self, line, now.facts);
  x.last = std::move(now);
  if (x.last.up && line.port.probe->can_ask() && !x.asking
      && now_of(self) >= x.ask_at)
    ask(self, at, line);
}

/// Whether lines are chosen that lead away from this machine. Those of the demo
/// do not.
bool may_be_cut_off(const wan_line& first) {
  static const auto loopback = *parse_network("127.0.0.0/8");
  auto ip = parse_ip(first.port.name);
  return !first.port.name.empty() && !(ip && loopback.contains(*ip));
}

/// That one line has gone is news; that none is left has to be seen to.
void tell_when_cut_off(self_pointer self) {
  auto& st = self->state;
  if (std::ranges::any_of(st.lines, [](auto& x) { return x.last.up; })) {
    st.cut_off = false;
    return;
  }
  if (std::exchange(st.cut_off, true))
    return;
  std::string names;
  for (auto& line : st.env->lines.all())
    names += (names.empty() ? "" : ", ") + line.port.name;
  st.env->log(log_level::warn,
              "nothing reaches the internet: no line of [wan] bind is there, "
              "or no route leads over it ("
                  + names
                  + "); connect one, or correct its name: ip address lists "
                    "what there is");
}

void look_at_all(self_pointer self) {
  size_t at = 0;
  for (auto& line : self->state.env->lines.all()) {
    if (line.port.probe)
      look(self, at, line);
    ++at;
  }
  if (may_be_cut_off(self->state.env->lines.first()))
    tell_when_cut_off(self);
}

void on_address_learned(self_pointer self, const address_learned& msg) {
  auto& st = self->state;
  auto& x = st.lines.at(msg.line);
  if (msg.round != x.round)
    return;
  x.asking = false;
  auto& line = st.env->lines.all().at(msg.line);
  if (!msg.outcome) {
    x.ask_at = now_of(self) + ask_again;
    auto why = to_string(msg.outcome.error());
    bool known = std::exchange(x.failure, why) == why;
    st.env->log(known ? log_level::debug : log_level::info,
                "no public address of " + name_of(line) + ": " + why);
  } else {
    x.failure.clear();
  }
  auto facts = line.facts.get();
  auto found = msg.outcome ? *msg.outcome : public_addresses{};
  facts.public_v4 = found.v4;
  facts.public_v6 = found.v6;
  note(self, line, facts);
  // The gateway has been spoken to, so its link-layer address is known now.
  look(self, msg.line, line);
}

} // namespace

line_watcher_actor::behavior_type line_watcher_behavior(self_pointer self,
                                                        environment_ptr env) {
  self->state.lines.resize(env->lines.all().size());
  self->state.env = std::move(env);
  return {
      [self](start_work) { self->send(self, tick{}); },
      [self](const tick&) {
        look_at_all(self);
        self->delayed_send(self,
                           self->state.env->lines.several()
                               ? look_interval
                               : look_interval_alone,
                           tick{});
      },
      [self](look_at_lines) { look_at_all(self); },
      [self](const address_learned& msg) { on_address_learned(self, msg); },
  };
}

} // namespace peapod
