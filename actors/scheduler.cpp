#include "actors/scheduler.hpp"

#include <chrono>
#include <variant>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = scheduler_state::self_pointer;

/// How often overdue leases are looked for while there are bodies.
constexpr auto tick_interval = 100ms;

// -- what people may follow ---------------------------------------------------

std::string text_of(const byte_range& x) {
  return "bytes " + std::to_string(x.begin) + "-" + std::to_string(x.end - 1);
}

/// Tells of ranges that go back because their source has gone.
void note_lost(self_pointer self, const device_id& source) {
  auto& st = self->state;
  std::erase_if(st.leases, [&](auto& kv) {
    auto& [lease, x] = kv;
    if (x.source != source)
      return false;
    auto i = st.transfers.find(x.transfer);
    if (i != st.transfers.end() && !x.range.empty()) {
      i->second.lost.insert(x.range);
      st.env->publish(event_kind::lease_lost,
                      text_of(x.range) + " go back: their source has gone",
                      to_string(source), to_string(x.transfer));
    }
    return true;
  });
}

/// Tells when such a range has found another source.
void note_moved(self_pointer self, const scheduler::grant& x,
                interval_set& lost) {
  if (!lost.intersects(x.range))
    return;
  lost.erase(x.range);
  self->state.env->publish(event_kind::lease_moved,
                           text_of(x.range) + " are leased again",
                           to_string(x.source), to_string(x.transfer));
}

// -- what the core decides ----------------------------------------------------

void perform(self_pointer self, const scheduler::grant& x) {
  auto& st = self->state;
  auto source = st.sources.find(x.source);
  auto transfer = st.transfers.find(x.transfer);
  if (source == st.sources.end() || transfer == st.transfers.end())
    return;
  st.leases[x.lease] = {x.source, x.transfer, x.range};
  note_moved(self, x, transfer->second.lost);
  tell(transfer->second.handle,
       lease_granted{x.lease, x.source, x.range, x.hedge});
  tell(source->second, fetch_chunk{x.lease, transfer->second.source, x.range,
                                   transfer->second.handle, false});
}

void perform(self_pointer self, const scheduler::cancel& x) {
  auto& st = self->state;
  auto source = st.sources.find(x.source);
  auto transfer = st.transfers.find(x.transfer);
  st.leases.erase(x.lease);
  if (source != st.sources.end() && transfer != st.transfers.end())
    tell(source->second, cancel_chunk{x.lease, transfer->second.handle});
}

void perform(self_pointer self, const scheduler::switch_spine& x) {
  auto i = self->state.transfers.find(x.transfer);
  if (i != self->state.transfers.end())
    tell(i->second.handle, spine_switch_planned{x.limit});
}

void perform(self_pointer self, const scheduler::give_up& x) {
  auto i = self->state.transfers.find(x.transfer);
  if (i != self->state.transfers.end())
    tell(i->second.handle, transfer_given_up{x.reason});
}

void perform(self_pointer self, const scheduler::set_aside& x) {
  auto& env = *self->state.env;
  if (auto* line = env.lines.other(x.source)) {
    line->rests_until = x.until;
    env.log(log_level::warn,
            "line " + line->port.name
                + (x.lied ? " brought wrong bytes" : " fails too often")
                + " and is set aside");
    return;
  }
  env.log(log_level::warn,
          "peer " + to_string(x.source)
              + (x.lied ? " brought wrong bytes" : " fails too often")
              + " and is set aside");
  env.roster.tell(source_set_aside{x.source, x.until});
}

void perform(self_pointer self, const scheduler::same_line& x) {
  auto& env = *self->state.env;
  auto text = x.with ? "adds nothing: it shares a bottleneck with device "
                           + to_string(*x.with)
                     : std::string{"has a line of its own again"};
  env.publish(event_kind::line_shared, text, to_string(x.source), {});
  env.log(log_level::info, text + " peer=" + to_string(x.source));
  env.roster.tell(line_shared{x.source, x.with});
}

void pump(self_pointer self) {
  auto& st = self->state;
  while (auto action = st.core->poll())
    std::visit([self](auto& x) { perform(self, x); }, *action);
  if (!st.ticking && !st.transfers.empty()) {
    st.ticking = true;
    self->delayed_send(self, tick_interval, tick{});
  }
}

void forget_source(self_pointer self, const device_id& id) {
  self->state.sources.erase(id);
  note_lost(self, id);
  self->state.core->source_left(id, now_of(self));
  pump(self);
}

void close_transfer(self_pointer self, const transfer_id& id) {
  auto& st = self->state;
  auto i = st.transfers.find(id);
  if (i == st.transfers.end())
    return;
  st.core->transfer_closed(id, now_of(self));
  pump(self); // cancels reach the sources while the transfer is known
  self->demonitor(i->second.handle->address());
  st.transfers.erase(id);
  std::erase_if(st.leases, [&](auto& x) { return x.second.transfer == id; });
}

void on_down(self_pointer self, const caf::down_msg& msg) {
  auto& st = self->state;
  for (auto& [id, handle] : st.sources) {
    if (handle->address() == msg.source) {
      forget_source(self, device_id{id});
      return;
    }
  }
  for (auto& [id, entry] : st.transfers) {
    if (entry.handle->address() == msg.source) {
      close_transfer(self, transfer_id{id});
      return;
    }
  }
}

void on_source_joined(self_pointer self, const source_joined& msg) {
  auto& st = self->state;
  if (auto i = st.sources.find(msg.id); i != st.sources.end())
    self->demonitor(i->second->address());
  st.sources[msg.id] = msg.handle;
  self->monitor(msg.handle);
  st.core->source_joined(msg.id, msg.traits, now_of(self));
  pump(self);
}

void on_source_lost(self_pointer self, const source_lost& msg) {
  auto i = self->state.sources.find(msg.id);
  if (i == self->state.sources.end() || i->second != msg.handle)
    return;
  self->demonitor(i->second->address());
  forget_source(self, msg.id);
}

void on_transfer_opened(self_pointer self, const transfer_opened& msg) {
  auto& st = self->state;
  st.transfers[msg.source->id] = {msg.source, msg.handle, {}};
  self->monitor(msg.handle);
  auto origin = msg.source->request.target.origin();
  if (msg.so_far)
    st.core->transfer_resumed(msg.source->id, origin, msg.body, *msg.so_far,
                              now_of(self));
  else
    st.core->transfer_opened(msg.source->id, origin, msg.body, now_of(self),
                             msg.way);
  pump(self);
}

void on_lease_ended(self_pointer self, const lease_ended& msg) {
  auto& core = *self->state.core;
  auto outcome = msg.failure ? 1 + static_cast<size_t>(*msg.failure) : 0;
  ++self->state.env->counters.chunks.at(outcome);
  self->state.leases.erase(msg.lease);
  if (msg.failure)
    core.lease_failed(msg.lease, *msg.failure, msg.upto, now_of(self),
                      msg.retry_after);
  else
    core.lease_done(msg.lease, now_of(self));
  pump(self);
}

void on_lie_found(self_pointer self, const lie_found& msg) {
  auto& st = self->state;
  std::erase_if(st.leases,
                [&](auto& kv) { return kv.second.source == msg.source; });
  st.core->source_lied(msg.source, msg.id, msg.dropped, now_of(self));
  pump(self);
}

void on_tick(self_pointer self) {
  auto& st = self->state;
  auto now = now_of(self);
  st.ticking = false;
  // Its own clock stands still while the machine sleeps, not while this process
  // is stopped.
  if (auto away = st.sleep.look(now, now))
    st.core->slept(*away, now);
  st.core->expire(now);
  pump(self);
}

} // namespace

scheduler_actor::behavior_type scheduler_behavior(self_pointer self,
                                                  environment_ptr env) {
  auto config = env->config.scheduling;
  // Answers to leases of a predecessor must not be taken for ours.
  config.first_lease = (env->scheduler_starts++ << 32) + 1;
  self->state.core = std::make_unique<scheduler>(config);
  self->state.env = std::move(env);
  self->set_down_handler([self](caf::down_msg& x) { on_down(self, x); });
  return {
      [self](start_work) {
        auto& env = *self->state.env;
        env.lines.tell(scheduler_started{});
        env.roster.tell(scheduler_started{});
        // Transfers look for it themselves, with their next tick.
      },
      [self](const source_joined& msg) { on_source_joined(self, msg); },
      [self](const source_lost& msg) { on_source_lost(self, msg); },
      [self](const transfer_opened& msg) { on_transfer_opened(self, msg); },
      [self](const transfer_advanced& msg) {
        self->state.core->progressed(msg.id, msg.spine, msg.taken,
                                     now_of(self));
        pump(self);
      },
      [self](const spine_finished& msg) {
        self->state.core->spine_ended(msg.id, msg.spine, now_of(self));
        pump(self);
      },
      [self](const transfer_closed& msg) { close_transfer(self, msg.id); },
      [self](const lease_advanced& msg) {
        auto& leases = self->state.leases;
        if (auto i = leases.find(msg.lease); i != leases.end())
          i->second.range.begin = msg.upto;
        self->state.core->lease_progressed(msg.lease, msg.upto, now_of(self));
        pump(self);
      },
      [self](const lease_ended& msg) { on_lease_ended(self, msg); },
      [self](const lie_found& msg) { on_lie_found(self, msg); },
      [self](const tick&) { on_tick(self); },
  };
}

} // namespace peapod
