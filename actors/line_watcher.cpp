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

/// Its public address is another one where it leaves by another way.
void look(self_pointer self, size_t at, wan_line& line) {
  auto& st = self->state;
  auto& x = st.lines[at];
  auto now = line.port.probe->look();
  if (line.up != now.up)
    line.fetcher.tell(line_changed{now.up});
  if (now.facts != x.last.facts || now.up != x.last.up) {
    note(self, line, now.facts);
    x.ask_at = instant{};
    ++x.round;
    x.asking = false;
  }
  x.last = std::move(now);
  if (x.last.up && line.port.probe->can_ask() && !x.asking
      && now_of(self) >= x.ask_at)
    ask(self, at, line);
}

void look_at_all(self_pointer self) {
  size_t at = 0;
  for (auto& line : self->state.env->lines.all()) {
    if (line.port.probe)
      look(self, at, line);
    ++at;
  }
}

void on_address_learned(self_pointer self, const address_learned& msg) {
  auto& st = self->state;
  auto& x = st.lines.at(msg.line);
  if (msg.round != x.round)
    return;
  x.asking = false;
  auto& line = st.env->lines.all().at(msg.line);
  auto facts = x.last.facts;
  if (msg.outcome) {
    facts.public_v4 = msg.outcome->v4;
    facts.public_v6 = msg.outcome->v6;
  } else {
    x.ask_at = now_of(self) + ask_again;
    st.env->log(log_level::debug, "no public address of line " + line.port.name
                                      + ": " + to_string(msg.outcome.error()));
  }
  note(self, line, facts);
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
