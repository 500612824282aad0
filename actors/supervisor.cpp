#include "actors/supervisor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_clock.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <cereal/archives/json.hpp>
#include <cereal/types/string.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using supervisor_pointer = supervisor_state::self_pointer;
using child = supervisor_state::child;
using then = supervisor_state::then;

/// How often to look whether the children of a killed supervisor have ended.
constexpr auto orphan_interval = 20ms;

size_t alive(const supervisor_state& st) {
  auto lives = [](const child& x) { return bool{x.handle}; };
  return static_cast<size_t>(std::ranges::count_if(st.children, lives));
}

} // namespace

supervisor_state::~supervisor_state() {
  for (auto& x : children)
    if (x.handle)
      caf::anon_send_exit(caf::actor_cast<caf::actor>(x.handle),
                          caf::exit_reason::user_shutdown);
}

std::string supervisor_state::summary() const {
  auto out = std::to_string(alive(*this)) + " children";
  if (after == then::quit)
    out += ", stopping";
  else if (after == then::restart)
    out += waiting ? ", waiting to restart" : ", restarting";
  return out;
}

void supervisor_state::dump(cereal::JSONOutputArchive& to) const {
  auto seconds = std::chrono::duration<double>(spec.period).count();
  to(cereal::make_nvp("strategy", std::string{to_string(spec.strategy)}),
     cereal::make_nvp("intensity", spec.intensity),
     cereal::make_nvp("period", seconds),
     cereal::make_nvp("children", alive(*this)),
     cereal::make_nvp("stopping", stopping.size()),
     cereal::make_nvp("waiting", waiting));
}

namespace {

// -- starting -----------------------------------------------------------------

restart_backoff backoff_of(const supervisor_spec& spec) {
  return {spec.first_backoff, spec.max_backoff, spec.period};
}

child make_child(const supervisor_spec& parent, child_spec spec) {
  return {std::move(spec), backoff_of(parent), nullptr, 0, 0, 0, true};
}

/// Calls a start function; what it throws is a failure to start.
caf::strong_actor_ptr call(supervisor_pointer self, const child_spec& spec) {
  try {
    return spec.start(self->system());
  } catch (const std::exception&) {
    return nullptr;
  }
}

bool launch(supervisor_pointer self, child& x) {
  auto& st = self->state;
  x.handle = call(self, x.spec);
  x.serial = st.next_serial++;
  if (!x.handle)
    return false;
  x.actor = x.handle->id();
  self->monitor(x.handle);
  st.place.live->adopt(x.actor, {x.spec.name, self->id(), x.spec.restart,
                                 x.spec.strategy, x.restarts});
  // There may be thousands of these, and none is started again.
  if (x.spec.restart == restart_type::temporary)
    x.spec.start = nullptr;
  return true;
}

void stop_next(supervisor_pointer self);
void restart_from(supervisor_pointer self, size_t failed);

void stop_all_and_quit(supervisor_pointer self, caf::error reason) {
  auto& st = self->state;
  if (st.after == then::quit)
    return;
  st.after = then::quit;
  st.quit_reason = std::move(reason);
  st.stopping.clear();
  for (auto& x : st.children)
    if (x.handle)
      st.stopping.push_back(x.serial);
  stop_next(self);
}

void fail_to_start(supervisor_pointer self, const child& x) {
  stop_all_and_quit(self,
                    caf::make_error(caf::sec::runtime_error,
                                    x.spec.name + " could not be started"));
}

/// Whether a killed supervisor has left children that have not ended yet.
bool has_orphans(supervisor_pointer self) {
  auto& st = self->state;
  return std::ranges::any_of(st.children, [&](auto& x) {
    return x.wanted && !x.handle && x.spec.strategy
           && st.place.live->has_children(x.actor);
  });
}

void wait_to_restart(supervisor_pointer self, duration time) {
  auto& st = self->state;
  st.waiting = true;
  self->delayed_send(self, time, restart_due{++st.generation});
}

/// Starts what is wanted and not there. A child that cannot be started when it
/// is restarted has failed once more.
void start_missing(supervisor_pointer self) {
  auto& st = self->state;
  if (has_orphans(self))
    return wait_to_restart(self, orphan_interval);
  st.after = then::nothing;
  for (size_t i = 0; i < st.children.size(); ++i) {
    auto& x = st.children[i];
    if (!x.wanted || x.handle || launch(self, x))
      continue;
    if (!st.started)
      return fail_to_start(self, x);
    return restart_from(self, i);
  }
  st.started = true;
}

// -- stopping -----------------------------------------------------------------

bool is_told(const supervisor_state& st, uint64_t serial) {
  return std::ranges::count(st.stopping, serial) > 0;
}

bool stops_together(const supervisor_state& st) {
  return st.spec.strategy == restart_strategy::simple_one_for_one
         && st.after == then::quit;
}

child* find_running(supervisor_pointer self, uint64_t serial) {
  for (auto& x : self->state.children)
    if (x.handle && x.serial == serial)
      return &x;
  return nullptr;
}

void tell_to_end(supervisor_pointer self, const child& x) {
  self->send_exit(caf::actor_cast<caf::actor_addr>(x.handle),
                  caf::exit_reason::user_shutdown);
}

/// All at once: children of one kind do not depend on each other.
void stop_together(supervisor_pointer self) {
  auto& st = self->state;
  for (auto serial : st.stopping)
    tell_to_end(self, *find_running(self, serial));
  auto grace = st.spec.children.front().grace;
  self->delayed_send(self, grace, grace_over{0});
}

void all_stopped(supervisor_pointer self) {
  auto& st = self->state;
  if (st.after == then::quit)
    self->quit(st.quit_reason);
  else if (st.after == then::restart && st.wait > duration::zero())
    wait_to_restart(self, std::exchange(st.wait, duration::zero()));
  else if (st.after == then::restart && !st.waiting)
    start_missing(self);
}

void stop_next(supervisor_pointer self) {
  auto& st = self->state;
  if (st.stopping.empty())
    return all_stopped(self);
  if (stops_together(st))
    return stop_together(self);
  auto& x = *find_running(self, st.stopping.back());
  tell_to_end(self, x);
  self->delayed_send(self, x.spec.grace, grace_over{x.serial});
}

void on_grace_over(supervisor_pointer self, uint64_t serial) {
  auto& st = self->state;
  auto together = serial == 0;
  if (st.stopping.empty() || (!together && st.stopping.back() != serial))
    return;
  for (auto& x : st.children)
    if (x.handle && (together ? is_told(st, x.serial) : x.serial == serial))
      self->send_exit(caf::actor_cast<caf::actor_addr>(x.handle),
                      caf::exit_reason::kill);
}

// -- restarting ---------------------------------------------------------------

void give_up(supervisor_pointer self, const child& last) {
  auto& st = self->state;
  auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(st.spec.period);
  auto why = st.spec.name + " gives up: " + last.spec.name
             + " failed once more after " + std::to_string(st.spec.intensity)
             + " restarts in " + std::to_string(seconds.count()) + " s";
  if (auto me = st.place.live->find(self->id()))
    st.place.live->publish(event_kind::gave_up, *me, why);
  stop_all_and_quit(self, caf::make_error(caf::sec::runtime_error, why));
}

/// In the order of the children, so that the last one stops first.
void note_to_stop(supervisor_pointer self, const child& x) {
  auto& st = self->state;
  if (!x.handle || is_told(st, x.serial))
    return;
  st.stopping.push_back(x.serial);
  auto position = [&](uint64_t serial) {
    return std::ranges::find(st.children, serial, &child::serial);
  };
  std::ranges::sort(st.stopping, {}, position);
}

/// Stops whom the strategy stops with a child, and starts them all again.
void cycle(supervisor_pointer self, size_t index) {
  auto& st = self->state;
  st.after = then::restart;
  for (auto i : affected(st.spec.strategy, index, st.children.size())) {
    auto& x = st.children[i];
    x.wanted = true;
    x.restarts += x.handle || i == index;
    note_to_stop(self, x);
  }
  stop_next(self);
}

void restart_from(supervisor_pointer self, size_t failed) {
  auto& st = self->state;
  auto now = instant{self->clock().now().time_since_epoch()};
  auto& x = st.children[failed];
  if (!st.budget->allow(now))
    return give_up(self, x);
  st.wait = std::max(st.wait, x.backoff.next(now));
  cycle(self, failed);
}

/// Of children of one kind there may be thousands, and their order tells
/// nothing.
void forget(supervisor_state& st, std::vector<child>::iterator i) {
  if (st.spec.strategy == restart_strategy::simple_one_for_one
      && i != std::prev(st.children.end())) {
    *i = std::move(st.children.back());
    i = std::prev(st.children.end());
  }
  st.children.erase(i);
}

void on_down(supervisor_pointer self, const caf::down_msg& msg) {
  auto& st = self->state;
  // Of many children those that end soon are the latest.
  auto last =
      std::find_if(st.children.rbegin(), st.children.rend(), [&](auto& x) {
        return x.handle && x.actor == msg.source.id();
      });
  if (last == st.children.rend())
    return;
  auto i = std::prev(last.base());
  bool told = is_told(st, i->serial);
  bool again = restarts(i->spec.restart, is_failure(msg.reason));
  auto index = static_cast<size_t>(i - st.children.begin());
  i->handle = nullptr;
  i->wanted = told || again;
  std::erase(st.stopping, i->serial);
  if (i->spec.restart == restart_type::temporary)
    forget(st, i);
  // A child that ends by itself while others restart counts, too: those that
  // depend on it have to go with it.
  if (again && !told && st.after != then::quit)
    restart_from(self, index);
  else if (told && (!stops_together(st) || st.stopping.empty()))
    stop_next(self);
}

// -- orders -------------------------------------------------------------------

void on_start_child(supervisor_pointer self, start_child& msg) {
  auto& st = self->state;
  if (st.after == then::quit)
    return;
  auto spec = std::move(msg.spec);
  if (st.spec.strategy == restart_strategy::simple_one_for_one) {
    auto start = std::move(spec.start);
    spec = st.spec.children.front();
    spec.start = std::move(start);
  }
  st.children.push_back(make_child(st.spec, std::move(spec)));
  if (!launch(self, st.children.back()))
    st.children.pop_back();
}

void on_restart_child(supervisor_pointer self, restart_child msg) {
  auto& st = self->state;
  for (size_t i = 0; i < st.children.size(); ++i) {
    auto& x = st.children[i];
    if (x.handle && x.actor == msg.actor
        && x.spec.restart != restart_type::temporary && st.after != then::quit)
      return cycle(self, i);
  }
}

void on_restart_due(supervisor_pointer self, restart_due msg) {
  auto& st = self->state;
  if (msg.generation != st.generation || st.after != then::restart)
    return;
  st.waiting = false;
  if (st.stopping.empty())
    start_missing(self);
}

/// Takes the children over; those of one kind come later.
void take_children(supervisor_state& st, supervisor_spec spec) {
  st.spec = std::move(spec);
  if (st.spec.strategy == restart_strategy::simple_one_for_one)
    return;
  for (auto& x : std::exchange(st.spec.children, {}))
    st.children.push_back(make_child(st.spec, std::move(x)));
}

} // namespace

supervisor_actor::behavior_type
supervisor(supervisor_pointer self, spawn_place place, supervisor_spec spec) {
  auto& st = self->state;
  st.place = std::move(place);
  st.budget.emplace(spec.intensity, spec.period);
  take_children(st, std::move(spec));
  self->set_down_handler([self](caf::down_msg& x) { on_down(self, x); });
  self->set_exit_handler(
      [self](caf::exit_msg& x) { stop_all_and_quit(self, x.reason); });
  start_missing(self);
  return {
      [self](start_child& msg) { on_start_child(self, msg); },
      [self](restart_child msg) { on_restart_child(self, msg); },
      [self](count_children) {
        return static_cast<uint64_t>(alive(self->state));
      },
      [self](grace_over msg) { on_grace_over(self, msg.child); },
      [self](restart_due msg) { on_restart_due(self, msg); },
  };
}

supervisor_actor spawn_supervisor(const spawn_place& place,
                                  supervisor_spec spec) {
  return spawn_on<supervisor_actor, supervisor_state>(place, supervisor, place,
                                                      std::move(spec));
}

child_spec
supervisor_child(const spawn_place& place, supervisor_spec spec,
                 std::function<void(const supervisor_actor&)> started) {
  child_spec out;
  out.name = spec.name;
  out.grace = 10s;
  out.strategy = spec.strategy;
  out.start = [place, spec, started](caf::actor_system&) {
    auto handle = spawn_supervisor(place, spec);
    if (started)
      started(handle);
    return caf::actor_cast<caf::strong_actor_ptr>(handle);
  };
  return out;
}

} // namespace peapod
