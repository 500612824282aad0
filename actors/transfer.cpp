#include "actors/transfer.hpp"

#include "actors/transfer_rechecks.hpp"

#include <chrono>
#include <utility>
#include <variant>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = transfer_state::self_pointer;

constexpr size_t spine_piece = 256_KiB;

/// How often the scheduler, which runs on another thread, is told of progress:
/// not twice within `tell_interval`, unless it is as much as `tell_at_once`.
constexpr uint64_t tell_every = 64_KiB;
constexpr uint64_t tell_at_once = 1_MiB;
constexpr auto tell_interval = 10ms;

/// Which `tick` says that it is to be told of the rest.
constexpr uint64_t news_due = 1;

constexpr auto report_interval = 250ms;

/// How long the spine may be silent while others bring the rest.
constexpr auto spine_patience = 3s;

/// Every how many reports people who follow are told of the progress.
constexpr unsigned progress_every = 4;

// -- status -------------------------------------------------------------------

void report(self_pointer self, std::string state) {
  auto& st = self->state;
  transfer_status out;
  out.id = st.start.source->id;
  out.url = st.start.source->request.target.text();
  out.state = std::move(state);
  out.total = st.start.body.size();
  out.delivered = st.core->delivered() - st.start.body.begin;
  out.ledger = st.core->ledger();
  out.map = st.core->map();
  out.verified_by = st.core->stands_on();
  st.env->console.tell(transfer_reported{std::move(out)});
}

/// Ends the spine's exchange, if it has not ended. What it has received beyond
/// what was read came in vain.
void drop_spine(self_pointer self) {
  auto& st = self->state;
  auto spine = std::exchange(st.start.spine, nullptr);
  if (!spine)
    return;
  st.core->spine_dropped(spine->received());
  spine->cancel();
}

void close(self_pointer self, std::string state) {
  auto& st = self->state;
  if (std::exchange(st.closed, true))
    return;
  drop_spine(self);
  report(self, state);
  st.env->counters.wasted_bytes += st.core->ledger().wasted;
  count_checks(self);
  cancel_rechecks(self);
  auto id = to_string(st.start.source->id);
  auto url = st.start.source->request.target.text();
  st.env->log(log_level::debug, state + " transfer=" + id + " url=" + url);
  st.env->publish(state == "done" ? event_kind::transfer_done
                                  : event_kind::transfer_failed,
                  state, {}, id);
  st.env->scheduler.tell(transfer_closed{st.start.source->id});
}

// -- what the core decides ----------------------------------------------------

void perform(self_pointer self, transfer::deliver& x) {
  auto& ready = self->state.ready;
  ready.bytes.push_back(std::move(x.bytes));
  ready.last = x.last;
}

/// Sends what is to be delivered, all in one message.
void send_ready(self_pointer self) {
  auto& st = self->state;
  auto ready = std::exchange(st.ready, {});
  bool last = ready.last;
  if (ready.bytes.size() == 0 && !last)
    return;
  st.env->counters.delivered_bytes += ready.bytes.size();
  self->send(st.start.client, std::move(ready));
  if (last) {
    close(self, "done");
    self->quit();
  }
}

void perform(self_pointer self, transfer::read_spine&) {
  self->state.spine_heard = now_of(self);
  self->state.start.spine->read_body(
      spine_piece, send_back(self, [](result<body_part> outcome) {
        return spine_read{std::move(outcome)};
      }));
}

void perform(self_pointer self, transfer::stop_spine&) {
  auto& st = self->state;
  drop_spine(self);
  st.env->scheduler.tell(spine_finished{st.start.source->id, st.core->spine()});
}

void perform(self_pointer self, transfer::recheck& x) {
  ask_recheck(self, x);
}

void perform(self_pointer self, transfer::accuse& x) {
  auto& st = self->state;
  auto id = to_string(st.start.source->id);
  auto peer = to_string(x.source);
  ++st.env->counters.lies;
  st.env->log(log_level::warn, "a peer brought other bytes than the origin has "
                               "transfer="
                                   + id + " peer=" + peer);
  st.env->publish(event_kind::source_lied,
                  "brought other bytes than the origin has", peer, id);
  st.env->scheduler.tell(
      lie_found{st.start.source->id, x.source, std::move(x.dropped)});
}

void perform(self_pointer self, transfer::go_alone&) {
  auto& st = self->state;
  st.alone = true;
  st.leases.clear();
  st.env->log(log_level::warn, "an origin contradicts itself; its first answer "
                               "alone brings the rest transfer="
                                   + to_string(st.start.source->id));
  st.env->suspected.add(st.start.source->request.target.text(), now_of(self));
  st.env->scheduler.tell(transfer_closed{st.start.source->id});
}

void perform(self_pointer self, transfer::abort& x) {
  auto& st = self->state;
  st.env->log(log_level::warn,
              "a pooled download could not be completed: " + to_string(x.why)
                  + " transfer=" + to_string(st.start.source->id));
  // A second try does without peers, and gets what the origin gives.
  if (x.why.code == errc::integrity_failed || x.why.code == errc::mismatch)
    st.env->suspected.add(st.start.source->request.target.text(), now_of(self));
  self->send(st.start.client, body_failed{x.why});
  close(self, "failed: " + to_string(x.why));
  self->quit();
}

/// Whether the scheduler is to be told of `size` new bytes now; if not, a timer
/// tells it.
bool is_due(self_pointer self, uint64_t size, instant told) {
  auto& st = self->state;
  if (size >= tell_at_once || now_of(self) - told >= tell_interval)
    return true;
  if (!std::exchange(st.news, true))
    self->delayed_send(self, tell_interval, tick{news_due});
  return false;
}

/// Tells the scheduler how far we are, not more often than useful.
void tell_progress(self_pointer self) {
  auto& st = self->state;
  auto spine = st.core->spine();
  auto taken = st.core->taken();
  auto size = std::max(spine - st.told_spine, taken - st.told_taken);
  if (st.closed || size < tell_every || !is_due(self, size, st.told))
    return;
  st.told_spine = spine;
  st.told_taken = taken;
  st.told = now_of(self);
  st.env->scheduler.tell(transfer_advanced{st.start.source->id, spine, taken});
}

/// The same for a lease.
void tell_progress(self_pointer self, lease_id id, transfer_state::lease& x) {
  auto size = x.upto - x.told;
  if (size == 0 || !is_due(self, size, x.when))
    return;
  x.told = x.upto;
  x.when = now_of(self);
  self->state.env->scheduler.tell(lease_advanced{id, x.upto});
}

void tell_news(self_pointer self) {
  auto& st = self->state;
  st.news = false;
  for (auto& [id, x] : st.leases)
    tell_progress(self, id, x);
  tell_progress(self);
}

void pump(self_pointer self) {
  auto& st = self->state;
  while (!st.closed) {
    auto action = st.core->poll();
    if (!action)
      break;
    if (!std::holds_alternative<transfer::deliver>(*action))
      send_ready(self);
    std::visit([self](auto& x) { perform(self, x); }, *action);
  }
  send_ready(self);
  tell_progress(self);
}

// -- the scheduler ------------------------------------------------------------

void open_with_scheduler(self_pointer self,
                         std::optional<body_progress> so_far) {
  auto& st = self->state;
  st.scheduler = st.env->scheduler.get();
  tell(st.scheduler,
       transfer_opened{st.start.source, st.start.body,
                       caf::actor_cast<caf::strong_actor_ptr>(self),
                       std::move(so_far), st.start.way});
}

/// A scheduler that failed has a successor, which knows nothing of this body.
/// What its leases still bring is taken, but nobody waits for it.
void find_scheduler(self_pointer self) {
  auto& st = self->state;
  if (st.alone || st.scheduler == st.env->scheduler.get())
    return;
  st.leases.clear();
  open_with_scheduler(self,
                      body_progress{st.core->spine(), st.core->taken(),
                                    st.core->spine_alive(), st.core->here()});
}

void publish_progress(self_pointer self) {
  auto& st = self->state;
  if (++st.reports % progress_every != 0)
    return;
  auto done = st.core->delivered() - st.start.body.begin;
  st.env->publish(event_kind::transfer_progress,
                  std::to_string(done) + " of "
                      + std::to_string(st.start.body.size()) + " bytes",
                  {}, to_string(st.start.source->id));
}

// -- events -------------------------------------------------------------------

void on_spine_read(self_pointer self, spine_read& msg) {
  auto& st = self->state;
  if (st.closed || !st.core->spine_alive())
    return;
  if (!msg.outcome) {
    st.core->spine_ended();
    st.env->scheduler.tell(
        spine_finished{st.start.source->id, st.core->spine()});
  } else {
    st.env->counters.spine_bytes += msg.outcome->bytes.size();
    st.core->spine_arrived(msg.outcome->bytes);
    if (msg.outcome->last)
      st.core->spine_ended();
  }
  pump(self);
}

/// A spine that has gone silent while it is being read holds up what others
/// bring: it counts as lost, and the own line asks anew where it stopped.
void drop_silent_spine(self_pointer self) {
  auto& st = self->state;
  if (!st.core->spine_alive() || st.alone || st.leases.empty()
      || !st.core->reads_spine()
      || now_of(self) - st.spine_heard < spine_patience)
    return;
  st.start.spine->cancel(); // its read ends with an error
}

standing standing_of(self_pointer self, const chunk_arrived& msg) {
  if (self->state.env->is_own(msg.source))
    return standing::vouched;
  return msg.verified ? standing::claimed : standing::foreign;
}

void on_chunk_arrived(self_pointer self, const chunk_arrived& msg) {
  auto& st = self->state;
  if (st.closed)
    return;
  if (is_recheck(msg.lease)) {
    take_recheck(self, msg);
    return;
  }
  auto& bytes = st.env->is_own(msg.source) ? st.env->counters.own_bytes
                                           : st.env->counters.peer_bytes;
  bytes += msg.bytes.size();
  auto upto = msg.offset;
  for (auto& piece : msg.bytes) {
    st.core->chunk_arrived(msg.source, upto, piece, standing_of(self, msg));
    upto += piece.size();
  }
  if (auto i = st.leases.find(msg.lease); i != st.leases.end()) {
    i->second.upto = upto;
    tell_progress(self, i->first, i->second);
  }
  pump(self);
}

void on_chunk_settled(self_pointer self, const chunk_settled& msg) {
  auto& st = self->state;
  if (st.closed)
    return;
  if (is_recheck(msg.lease)) {
    settle_recheck(self, msg);
    pump(self);
    return;
  }
  auto i = st.leases.find(msg.lease);
  if (i == st.leases.end())
    return;
  if (msg.failure)
    st.env->log(log_level::debug,
                "a range was not brought: "
                    + std::string{to_string(*msg.failure)} + " (" + msg.reason
                    + ") transfer=" + to_string(st.start.source->id)
                    + " peer=" + to_string(msg.source));
  st.env->scheduler.tell(
      lease_ended{msg.lease, i->second.upto, msg.failure, msg.retry_after});
  st.leases.erase(i);
  if (msg.spoiled) {
    st.core->spoiled(msg.source);
    pump(self);
  }
}

} // namespace

transfer_actor::behavior_type transfer_behavior(self_pointer self,
                                                environment_ptr env,
                                                transfer_start start) {
  auto& st = self->state;
  st.env = std::move(env);
  st.start = std::move(start);
  // Whatever ends the client's connection ends its transfer; and the client
  // learns of a crash, also of one in what follows.
  self->link_to(st.start.client);
  transfer::config cfg;
  cfg.own = st.env->self->device();
  cfg.audit = st.env->config.audit;
  cfg.in_flight = st.env->config.scheduling.in_flight();
  cfg.digest = st.start.digest;
  st.core.emplace(st.start.body, cfg, st.env->ports.random);
  st.told_spine = st.told_taken = st.start.body.begin;
  self->set_exit_handler([self](caf::exit_msg& x) {
    close(self, x.reason ? "failed: stopped" : "failed: the client has gone");
    self->quit(x.reason); // reaches the client, which must not wait for more
  });
  open_with_scheduler(self, std::nullopt);
  st.env->publish(event_kind::transfer_opened,
                  std::to_string(st.start.body.size()) + " bytes from "
                      + st.start.source->request.target.host,
                  {}, to_string(st.start.source->id));
  self->delayed_send(self, report_interval, tick{});
  report(self, "running");
  pump(self);
  return {
      [self](const chunk_arrived& msg) { on_chunk_arrived(self, msg); },
      [self](const chunk_settled& msg) { on_chunk_settled(self, msg); },
      [self](const lease_granted& msg) {
        auto begin = msg.range.begin;
        self->state.leases[msg.lease] = {begin, begin, instant{}};
        if (msg.hedge)
          self->state.core->hedged(msg.range.size());
      },
      [self](const spine_switch_planned& msg) {
        self->state.core->switch_planned(msg.limit);
        pump(self);
      },
      [self](const transfer_given_up& msg) {
        self->state.core->fail(make_error(errc::origin_refused, msg.reason));
        pump(self);
      },
      [self](spine_read& msg) { on_spine_read(self, msg); },
      [self](const body_taken& msg) {
        self->state.core->client_took(msg.bytes);
        pump(self);
      },
      [self](const tick& msg) {
        if (msg.generation == news_due)
          return tell_news(self);
        report(self, "running");
        publish_progress(self);
        find_scheduler(self);
        look_after_rechecks(self);
        pump(self);
        drop_silent_spine(self);
        self->delayed_send(self, report_interval, tick{});
      },
  };
}

} // namespace peapod
