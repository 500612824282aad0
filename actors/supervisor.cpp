#include "actors/supervisor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_clock.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <chrono>

namespace peapod {

supervisor_state::~supervisor_state() {
  for (auto& x : children)
    if (x.handle)
      caf::anon_send_exit(caf::actor_cast<caf::actor>(x.handle),
                          caf::exit_reason::user_shutdown);
}

namespace {

using self_pointer = supervisor_state::self_pointer;
using child = supervisor_state::child;
using then = supervisor_state::then;

bool is_failure(const caf::error& reason) {
  return reason && reason != caf::exit_reason::normal
         && reason != caf::exit_reason::user_shutdown;
}

bool launch(self_pointer self, child& x) {
  x.handle = x.spec.start(self->system());
  x.serial = self->state.next_serial++;
  if (!x.handle)
    return false;
  self->monitor(x.handle);
  return true;
}

void stop_next(self_pointer self);

void stop_all_and_quit(self_pointer self, caf::error reason) {
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

void start_missing(self_pointer self) {
  self->state.after = then::nothing;
  for (auto& x : self->state.children) {
    if (x.wanted && !x.handle && !launch(self, x)) {
      stop_all_and_quit(self,
                        caf::make_error(caf::sec::runtime_error,
                                        x.spec.name + " could not be started"));
      return;
    }
  }
}

void stop_next(self_pointer self) {
  auto& st = self->state;
  auto running = [&](uint64_t serial) {
    return std::find_if(st.children.begin(), st.children.end(), [&](auto& x) {
      return x.handle && x.serial == serial;
    });
  };
  while (!st.stopping.empty()
         && running(st.stopping.back()) == st.children.end())
    st.stopping.pop_back();
  if (!st.stopping.empty()) {
    auto& x = *running(st.stopping.back());
    self->send_exit(caf::actor_cast<caf::actor_addr>(x.handle),
                    caf::exit_reason::user_shutdown);
    self->delayed_send(self, x.spec.grace, grace_over{x.serial});
  } else if (st.after == then::quit) {
    self->quit(st.quit_reason);
  } else if (st.after == then::restart) {
    start_missing(self);
  }
}

void give_up(self_pointer self) {
  stop_all_and_quit(self,
                    caf::make_error(caf::sec::runtime_error,
                                    self->state.name + " restarted too often"));
}

void restart_from(self_pointer self, size_t failed) {
  auto& st = self->state;
  auto now = instant{self->clock().now().time_since_epoch()};
  if (!st.budget->allow(now)) {
    give_up(self);
    return;
  }
  st.after = then::restart;
  for (auto i : affected(st.spec.strategy, failed, st.children.size())) {
    st.children[i].wanted = true;
    if (st.children[i].handle)
      st.stopping.push_back(st.children[i].serial);
  }
  stop_next(self);
}

void on_down(self_pointer self, const caf::down_msg& msg) {
  auto& st = self->state;
  auto i = std::find_if(st.children.begin(), st.children.end(), [&](auto& x) {
    return x.handle && x.handle->address() == msg.source;
  });
  if (i == st.children.end())
    return;
  bool wanted = std::find(st.stopping.begin(), st.stopping.end(), i->serial)
                != st.stopping.end();
  i->handle = nullptr;
  bool again = restarts(i->spec.restart, is_failure(msg.reason));
  i->wanted = wanted || again;
  auto index = static_cast<size_t>(i - st.children.begin());
  if (i->spec.restart == restart_type::temporary)
    st.children.erase(i);
  // A child that ends by itself while others restart counts, too: those that
  // depend on it have to go with it.
  if (again && !wanted && st.after != then::quit)
    restart_from(self, index);
  else if (wanted || st.after != then::nothing)
    stop_next(self);
}

void on_grace_over(self_pointer self, uint64_t serial) {
  auto& st = self->state;
  if (st.stopping.empty() || st.stopping.back() != serial)
    return;
  for (auto& x : st.children)
    if (x.handle && x.serial == serial)
      self->send_exit(caf::actor_cast<caf::actor_addr>(x.handle),
                      caf::exit_reason::kill);
}

void on_start_child(self_pointer self, start_child& msg) {
  auto& st = self->state;
  if (st.after == then::quit)
    return;
  st.children.push_back({std::move(msg.spec), nullptr, 0, true});
  if (!launch(self, st.children.back()))
    st.children.pop_back();
}

} // namespace

supervisor_actor::behavior_type supervisor(self_pointer self,
                                           supervisor_spec spec) {
  auto& st = self->state;
  st.name = spec.name;
  st.budget.emplace(spec.intensity, spec.period);
  for (auto& x : spec.children)
    st.children.push_back({std::move(x), nullptr, 0, true});
  spec.children.clear();
  st.spec = std::move(spec);
  self->set_down_handler([self](caf::down_msg& x) { on_down(self, x); });
  self->set_exit_handler(
      [self](caf::exit_msg& x) { stop_all_and_quit(self, x.reason); });
  start_missing(self);
  return {
      [self](start_child& msg) { on_start_child(self, msg); },
      [self](count_children) {
        return static_cast<uint64_t>(std::count_if(
            self->state.children.begin(), self->state.children.end(),
            [](auto& x) { return bool{x.handle}; }));
      },
      [self](grace_over msg) { on_grace_over(self, msg.child); },
  };
}

supervisor_actor spawn_supervisor(caf::actor_system& system,
                                  supervisor_spec spec) {
  return spawn_on<supervisor_actor, supervisor_state>(
      spawn_place{&system, nullptr, nullptr}, supervisor, std::move(spec));
}

child_spec
supervisor_child(supervisor_spec spec,
                 std::function<void(const supervisor_actor&)> started) {
  child_spec out;
  out.name = spec.name;
  out.grace = std::chrono::seconds(10);
  out.start = [spec, started](caf::actor_system& system) {
    auto handle = spawn_supervisor(system, spec);
    if (started)
      started(handle);
    return caf::actor_cast<caf::strong_actor_ptr>(handle);
  };
  return out;
}

} // namespace peapod
