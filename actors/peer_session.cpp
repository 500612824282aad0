#include "actors/peer_session.hpp"

#include "actors/peer_session_serving.hpp"
#include "actors/peer_session_view.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

namespace peapod {

peer_session_state::~peer_session_state() {
  if (start.stream)
    start.stream->close();
  drop_viewers(*this, make_error(errc::connection_closed, "it has gone"));
}

void limit_frames(peer_session_state::self_pointer self) {
  uint64_t largest = 0;
  for (auto& [lease, x] : self->state.wants)
    largest = std::max(largest, x.ask.range.size());
  if (!self->state.viewers.empty())
    largest = std::max<uint64_t>(largest, max_view_size);
  self->state.core->set_frame_limit(largest > 0 ? frame_limit_for(largest)
                                                : min_frame_limit);
}

namespace {

using namespace std::chrono_literals;
using self_pointer = peer_session_state::self_pointer;
using wanted = peer_session_state::wanted;

constexpr auto tick_interval = 500ms;
/// A peer takes so many requests at a time (`max_serving` and `max_queued` of
/// its own); what was called off counts until it is answered.
constexpr size_t max_called_off = 8;

/// How long a peer may take for one message: as long as we would give it
/// (`session_config::frame_timeout`).
constexpr auto write_timeout = 60s;

chunk_failure failure_of(const std::optional<nack_reason>& x) {
  switch (static_cast<nack_code>(x ? x->code : 0)) {
    case nack_code::refused:
      return chunk_failure::refused;
    case nack_code::mismatch:
      return chunk_failure::mismatch;
    case nack_code::busy:
      return chunk_failure::busy;
    default:
      return chunk_failure::unavailable;
  }
}

void pump(self_pointer self);

// -- the end ------------------------------------------------------------------

void end(self_pointer self, const error& why) {
  auto& st = self->state;
  if (std::exchange(st.ended, true))
    return;
  cancel_served(self);
  for (auto& [lease, x] : st.wants)
    if (!x.cancelled)
      tell(x.ask.sink,
           chunk_settled{lease, st.peer.value_or(device_id{}),
                         chunk_failure::unavailable, "the session has ended"});
  st.env->log(st.opened ? log_level::info : log_level::debug,
              "a session has ended: " + to_string(why) + label(st));
  st.env->roster.tell(session_ended{st.connection,
                                    st.opened ? st.peer : std::nullopt,
                                    st.start.dialled, st.left, why});
  st.start.stream->close();
  self->quit();
}

// -- what we want -------------------------------------------------------------

void settle(self_pointer self, lease_id lease,
            std::optional<chunk_failure> failure, std::string reason = {}) {
  auto& st = self->state;
  auto i = st.wants.find(lease);
  if (!i->second.cancelled)
    tell(i->second.ask.sink,
         chunk_settled{lease, *st.peer, failure, std::move(reason)});
  st.wants.erase(i);
  limit_frames(self);
}

/// Whether the peer has not yet answered too much of what was called off.
bool is_behind(const peer_session_state& st) {
  auto called_off = [](auto& kv) { return kv.second.cancelled; };
  return static_cast<size_t>(
             std::count_if(st.wants.begin(), st.wants.end(), called_off))
         >= max_called_off;
}

void on_fetch_chunk(self_pointer self, fetch_chunk& msg) {
  auto& st = self->state;
  if (is_behind(st)) {
    tell(msg.sink,
         chunk_settled{msg.lease, *st.peer, chunk_failure::unavailable,
                       "it still brings what was called off"});
    return;
  }
  if (st.foreign && msg.source->encoded) {
    tell(msg.sink, chunk_settled{msg.lease, *st.peer, chunk_failure::refused,
                                 "encoded, and a foreign peer"});
    return;
  }
  chunk_request ask;
  ask.transfer = msg.source->id;
  ask.range = msg.range;
  ask.url = msg.source->request.target.text();
  if (!st.foreign)
    ask.expected = msg.source->rep;
  auto lease = msg.lease;
  st.wants.emplace(lease, wanted{std::move(msg), false});
  limit_frames(self);
  if (auto sent = st.core->send(ask); !sent)
    settle(self, lease, chunk_failure::unavailable, to_string(sent.error()));
  pump(self);
}

std::map<lease_id, wanted>::iterator
find_want(self_pointer self, const transfer_id& transfer, byte_range range) {
  // A range that was called off may have been asked for again meanwhile: the
  // first answer belongs to who still waits.
  auto& wants = self->state.wants;
  auto found = wants.end();
  for (auto i = wants.begin(); i != wants.end(); ++i) {
    auto& ask = i->second.ask;
    if (ask.source->id == transfer && ask.range == range
        && (found == wants.end() || found->second.cancelled))
      found = i;
  }
  return found;
}

/// Why what a peer brought is not what we asked for, if it is not.
std::optional<std::pair<chunk_failure, std::string>>
objection(self_pointer self, const fetch_chunk& ask, const chunk_data& data) {
  if (data.payload.size() != ask.range.size())
    return std::pair{chunk_failure::refused,
                     std::string{"a payload of another size"}};
  if (self->state.foreign)
    return std::nullopt; // it cannot tell; the transfer rechecks
  if (!data.origin || data.origin->status != 206
      || data.origin->origin_offset != ask.range.begin
      || !same_representation(ask.source->rep, data.origin->rep))
    return std::pair{chunk_failure::mismatch,
                     std::string{"its origin has another representation"}};
  return std::nullopt;
}

void on_message(self_pointer self, chunk_data& data, bool hash_matches) {
  auto& st = self->state;
  auto i = find_want(self, data.transfer, data.range);
  if (i == st.wants.end())
    return;
  auto lease = i->first;
  auto& ask = i->second.ask;
  if (!hash_matches) {
    st.env->log(log_level::warn, "wrong hash" + label(st));
    if (!st.foreign)
      (void)st.core->send(nack{data.transfer, data.range,
                               nack_reason{4, "the payload has another hash"}});
    settle(self, lease, chunk_failure::integrity, "wrong hash");
    return;
  }
  if (auto no = objection(self, ask, data)) {
    settle(self, lease, no->first, no->second);
    return;
  }
  st.bytes_from += data.payload.size();
  if (!i->second.cancelled)
    tell(ask.sink,
         chunk_arrived{lease, *st.peer, data.range.begin, data.payload,
                       !st.foreign, 206, ask.source->rep});
  settle(self, lease, std::nullopt);
}

void on_message(self_pointer self, nack& x, bool) {
  auto i = find_want(self, x.transfer, x.range);
  if (i != self->state.wants.end())
    settle(self, i->first, failure_of(x.reason),
           x.reason ? x.reason->text : "refused without a reason");
}

// -- the session --------------------------------------------------------------

void on_message(self_pointer self, chunk_request& ask, bool) {
  take_request(self, std::move(ask));
}

void on_message(self_pointer self, join& x, bool) {
  if (x.view)
    take_view(self, *x.view);
}

void on_message(self_pointer self, leave&, bool) {
  self->state.left = true;
  self->state.core->close(make_error(errc::connection_closed, "it left"));
}

template <class T>
void on_message(self_pointer, T&, bool) {
  // Heartbeats count in the core; the rest says nothing on a connection.
}

/// The first message proves the key and tells ours from foreign daemons.
void open(self_pointer self, const wire_message& first) {
  auto& st = self->state;
  session_opened msg;
  if (auto beat = std::get_if<heartbeat>(&first); beat && beat->hello) {
    st.foreign = false;
    st.shows_actors = (beat->hello->capabilities & capability_view) != 0;
    msg.name = st.peer_name = beat->hello->name;
  }
  if (st.foreign && !st.env->config.legacy) {
    st.core->close(make_error(errc::policy_refused,
                              "a protocol-1 device; [transport] legacy=false"));
    return;
  }
  st.opened = true;
  running_record()->set_description(st.about(), st.summary());
  msg.connection = st.connection;
  msg.id = *st.peer;
  msg.key = st.peer_key;
  msg.dialled = st.start.dialled;
  msg.remote = st.start.stream->remote();
  msg.foreign = st.foreign;
  msg.session = caf::actor_cast<caf::strong_actor_ptr>(self);
  st.env->log(log_level::info, "a session stands" + label(st));
  st.env->roster.tell(std::move(msg));
}

void perform(self_pointer self, write_bytes& x) {
  auto& st = self->state;
  ++st.writes;
  if (st.unwritten++ == 0)
    st.wrote = now_of(self);
  st.start.stream->write(std::move(x.bytes),
                         send_back(self, [](result<void> outcome) {
                           return stream_written{std::move(outcome)};
                         }));
}

void perform(self_pointer self, peer_identified& x) {
  auto& st = self->state;
  st.peer = x.device;
  st.env->roster.tell(
      admission_requested{x.device, st.start.stream->remote(),
                          caf::actor_cast<caf::strong_actor_ptr>(self)});
}

void perform(self_pointer self, session_established& x) {
  self->state.peer = x.device;
  self->state.peer_key = x.key;
}

void perform(self_pointer self, message_received& x) {
  if (!self->state.opened)
    open(self, x.message);
  std::visit([&](auto& msg) { on_message(self, msg, x.hash_matches); },
             x.message);
}

void perform(self_pointer self, session_closed& x) {
  end(self, x.reason);
}

void pump(self_pointer self) {
  auto& st = self->state;
  while (!st.ended) {
    auto action = st.core->poll();
    if (!action)
      return;
    std::visit([self](auto& x) { perform(self, x); }, *action);
  }
}

void read_on(self_pointer self) {
  self->state.start.stream->read_some(
      send_back(self, [](result<slice> outcome) {
        return stream_read{std::move(outcome)};
      }));
}

void on_stream_read(self_pointer self, stream_read& msg) {
  auto& st = self->state;
  if (st.ended)
    return;
  if (!msg.outcome) {
    end(self, msg.outcome.error());
    return;
  }
  st.core->receive(*msg.outcome, now_of(self));
  pump(self);
  if (!st.ended)
    read_on(self);
}

void on_stream_written(self_pointer self, const stream_written& msg) {
  auto& st = self->state;
  --st.unwritten;
  st.wrote = now_of(self);
  give_back_sent(st);
  if (!msg.outcome)
    end(self, msg.outcome.error());
  if (st.ended)
    return;
  serve_queued(self);
  pump(self); // what was refused leaves now, not with the next tick
}

void on_tick(self_pointer self) {
  auto& st = self->state;
  forget_lost_fetches(self);
  st.core->expire(now_of(self));
  if (st.unwritten > 0 && now_of(self) - st.wrote >= write_timeout)
    st.core->close(make_error(errc::timed_out, "the peer takes nothing"));
  if (st.opened)
    st.env->console.tell(
        session_reported{*st.peer, st.bytes_from, st.bytes_to});
  pump(self);
  if (!st.ended)
    self->delayed_send(self, tick_interval, tick{});
}

void on_leave_pod(self_pointer self) {
  auto& st = self->state;
  (void)st.core->send(leave{st.env->self->device()});
  st.core->close(make_error(errc::cancelled, "this device leaves"));
  pump(self);
}

session_config config_of(const environment& env, const session_start& start) {
  session_config out;
  out.role = start.dialled ? session_role::initiator : session_role::responder;
  uint16_t capabilities = env.config.pod_view ? capability_view : 0;
  out.hello = hello_extension{1, capabilities, env.config.name};
  if (start.dialled)
    out.expected_device = start.dialled->id;
  return out;
}

} // namespace

peer_session_actor::behavior_type peer_session_behavior(self_pointer self,
                                                        environment_ptr env,
                                                        session_start start) {
  auto& st = self->state;
  st.env = std::move(env);
  st.start = std::move(start);
  st.connection = st.env->next_connection++;
  st.core =
      std::make_unique<session>(*st.env->self, config_of(*st.env, st.start));
  self->set_exit_handler([self](caf::exit_msg& x) {
    end(self, make_error(errc::cancelled, "stopped"));
    self->quit(x.reason);
  });
  return {
      [self](fetch_chunk& msg) { on_fetch_chunk(self, msg); },
      [self](const cancel_chunk& msg) {
        auto i = self->state.wants.find(msg.lease);
        if (i == self->state.wants.end() || i->second.cancelled)
          return;
        i->second.cancelled = true; // protocol 1 cannot call it off
        tell(i->second.ask.sink,
             chunk_settled{msg.lease, *self->state.peer,
                           chunk_failure::cancelled, "called off"});
      },
      [self](const chunk_arrived& msg) { add_served(self, msg); },
      [self](const chunk_settled& msg) {
        finish_served(self, msg);
        pump(self);
      },
      [self](start_work) {
        self->state.core->start(now_of(self));
        pump(self);
        read_on(self);
        self->delayed_send(self, tick_interval, tick{});
      },
      [self](stream_read& msg) { on_stream_read(self, msg); },
      [self](const stream_written& msg) { on_stream_written(self, msg); },
      [self](const admission& msg) {
        self->state.core->admit(msg.admitted, now_of(self));
        pump(self);
      },
      [self](const tick&) { on_tick(self); },
      [self](ask_view& msg) {
        ask_for_view(self, msg);
        pump(self);
      },
      [self](view_ready& msg) {
        send_view(self, msg);
        pump(self);
      },
      [self](const drop_session& msg) {
        self->state.core->close(make_error(errc::cancelled, msg.reason));
        pump(self);
      },
      [self](leave_pod) { on_leave_pod(self); },
  };
}

bool start_session(const environment_ptr& env, session_start start) {
  auto supervisor = env->sessions.get();
  if (!supervisor) {
    start.stream->close();
    return false;
  }
  child_spec spec;
  // Handed over, not shared: the connection must end on its actor's thread.
  auto held = std::make_shared<session_start>(std::move(start));
  spec.start = [env, held](caf::actor_system&) {
    auto handle = spawn_on<peer_session_actor, peer_session_state>(
        env->io, peer_session_behavior, env, std::exchange(*held, {}));
    tell(handle, start_work{});
    return caf::actor_cast<caf::strong_actor_ptr>(handle);
  };
  tell(supervisor, start_child{std::move(spec)});
  return true;
}

} // namespace peapod
