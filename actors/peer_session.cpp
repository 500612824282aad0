#include "actors/peer_session.hpp"

#include "actors/peer_session_serving.hpp"
#include "actors/peer_session_tunnels.hpp"
#include "actors/peer_session_view.hpp"
#include "core/legacy_link.hpp"
#include "core/secure_link.hpp"

#include <chrono>
#include <utility>
#include <variant>

namespace peapod {

peer_session_state::~peer_session_state() {
  if (start.stream)
    start.stream->close();
  end_tunnels(*this);
  drop_viewers(*this, make_error(errc::connection_closed, "it has gone"));
}

namespace {

using namespace std::chrono_literals;
using self_pointer = peer_session_state::self_pointer;

constexpr auto tick_interval = 500ms;

/// How long whoever has connected may take for its first byte.
constexpr auto first_byte_timeout = 5s;

/// How long a peer may take for one write: as long as we would give it
/// (`secure_session_config::record_timeout`).
constexpr auto write_timeout = 60s;

void pump(self_pointer self);

// -- the end ------------------------------------------------------------------

void end(self_pointer self, const error& why) {
  auto& st = self->state;
  if (std::exchange(st.ended, true))
    return;
  cancel_served(self);
  end_tunnels(st);
  if (st.ready && st.tunnels)
    st.env->exits.tell(
        exit_lost{*st.peer, caf::actor_cast<caf::strong_actor_ptr>(self)});
  for (auto& [lease, x] : st.wants)
    tell(x.sink,
         chunk_settled{lease, st.peer.value_or(device_id{}),
                       chunk_failure::unavailable, "the session has ended"});
  st.env->log(st.ready ? log_level::info : log_level::debug,
              "a session has ended: " + to_string(why) + label(st));
  st.env->roster.tell(session_ended{st.connection,
                                    st.opened ? st.peer : std::nullopt,
                                    st.start.dialled, st.left, why});
  st.start.stream->close();
  self->quit();
}

/// Ends the session; the peer is told why if there is a way.
void say_goodbye(self_pointer self, wire2::goodbye_reason how, error why) {
  auto& st = self->state;
  if (!st.link) {
    end(self, why);
    return;
  }
  st.link->leave(how, std::move(why));
  pump(self);
}

// -- what we want -------------------------------------------------------------

/// Answers whoever waits for a range; it waits no longer.
void settle(self_pointer self, lease_id lease, chunk_settled outcome) {
  auto& st = self->state;
  auto node = st.wants.extract(lease);
  if (node.empty())
    return;
  outcome.lease = lease;
  outcome.source = *st.peer;
  tell(node.mapped().sink, std::move(outcome));
}

void on_fetch_chunk(self_pointer self, fetch_chunk& msg) {
  auto& st = self->state;
  auto refuse = [&](chunk_failure why, std::string text) {
    tell(msg.sink, chunk_settled{msg.lease, st.peer.value_or(device_id{}), why,
                                 std::move(text)});
  };
  if (!st.ready)
    return refuse(chunk_failure::unavailable, "the session does not stand");
  if (st.foreign && msg.source->encoded)
    return refuse(chunk_failure::refused, "encoded, and a foreign peer");
  range_ask ask;
  ask.id = msg.lease;
  ask.transfer = msg.source->id;
  ask.range = msg.range;
  ask.url = msg.source->request.target.text();
  ask.expected = msg.source->rep;
  if (auto asked = st.link->ask(ask); asked)
    st.wants.insert_or_assign(msg.lease, std::move(msg));
  else
    refuse(asked.error().code == errc::policy_refused
               ? chunk_failure::refused
               : chunk_failure::unavailable,
           to_string(asked.error()));
  pump(self);
}

void on_cancel_chunk(self_pointer self, const cancel_chunk& msg) {
  auto& st = self->state;
  if (!st.wants.contains(msg.lease))
    return;
  st.link->call_off(msg.lease);
  chunk_settled outcome;
  outcome.failure = chunk_failure::cancelled;
  outcome.reason = "called off";
  settle(self, msg.lease, std::move(outcome));
  pump(self);
}

// -- what happens on the link -------------------------------------------------

void perform(self_pointer self, write_bytes& x) {
  auto& out = self->state.to_write;
  out.insert(out.end(), std::make_move_iterator(x.bytes.begin()),
             std::make_move_iterator(x.bytes.end()));
}

void perform(self_pointer self, peer_identified& x) {
  auto& st = self->state;
  st.peer = x.device;
  st.env->roster.tell(admission_requested{
      x.device, x.key, st.link->is_secure(), st.start.stream->remote(),
      caf::actor_cast<caf::strong_actor_ptr>(self)});
}

void perform(self_pointer self, link_opened& x) {
  auto& st = self->state;
  st.start.ticket.reset();
  st.opened = true;
  st.peer = x.device;
  st.key = x.key;
  st.peer_name = x.name;
  st.secure = x.secure;
  st.foreign = x.foreign;
  st.tunnels = x.has_tunnels;
  running_record()->set_description(st.about(), st.summary());
  session_opened msg;
  msg.connection = st.connection;
  msg.id = x.device;
  msg.key = x.key;
  msg.dialled = st.start.dialled;
  msg.remote = st.start.stream->remote();
  msg.local = st.start.stream->local().address;
  msg.name = std::move(x.name);
  msg.foreign = x.foreign;
  msg.secure = x.secure;
  msg.tunnels = x.has_tunnels;
  msg.session = caf::actor_cast<caf::strong_actor_ptr>(self);
  st.env->log(log_level::debug, "a handshake has come to its end" + label(st));
  st.env->roster.tell(std::move(msg));
}

void perform(self_pointer self, link_ready&) {
  auto& st = self->state;
  st.ready = true;
  st.env->log(
      st.secure ? log_level::info : log_level::warn,
      std::string{st.secure ? "a session stands" : "an insecure session stands"}
          + label(st));
  st.env->roster.tell(session_ready{st.connection});
  tell_offers(self);
  tell_lines(self);
  tell_exits(self);
}

void perform(self_pointer self, code_known& x) {
  auto& st = self->state;
  st.env->roster.tell(session_waiting{st.connection, x.code});
}

void perform(self_pointer self, range_asked& x) {
  take_request(self, std::move(x.what));
}

void perform(self_pointer self, ask_called_off& x) {
  call_off_served(self, x.id);
}

/// Passes on what has come of a range, if its sink still wants it.
void pass_on_arrived(self_pointer self) {
  auto& st = self->state;
  auto x = std::exchange(st.arrived, std::nullopt);
  if (!x)
    return;
  if (auto i = st.wants.find(x->lease); i != st.wants.end())
    tell(i->second.sink, std::move(*x));
}

/// What comes at once of a range goes on in one message.
void perform(self_pointer self, range_arrived& x) {
  auto& st = self->state;
  auto i = st.wants.find(x.id);
  if (i == st.wants.end())
    return;
  st.bytes_from += x.bytes.size();
  auto& waits = st.arrived;
  if (waits && waits->lease == x.id) {
    waits->bytes.push_back(std::move(x.bytes));
    return;
  }
  pass_on_arrived(self);
  waits = chunk_arrived{x.id,
                        *st.peer,
                        x.offset,
                        std::move(x.bytes),
                        x.has_version,
                        206,
                        i->second.source->rep};
}

void perform(self_pointer self, range_ended& x) {
  auto& st = self->state;
  if (x.failure == chunk_failure::integrity)
    st.env->log(log_level::warn, x.reason + label(st));
  chunk_settled outcome;
  outcome.failure = x.failure;
  // Parts are passed on before the hash of all of them has come.
  outcome.spoiled = st.secure && x.failure == chunk_failure::integrity;
  outcome.reason = std::move(x.reason);
  outcome.retry_after = x.retry_after;
  settle(self, x.id, std::move(outcome));
}

void perform(self_pointer self, view_asked&) {
  take_view_question(self);
}

void perform(self_pointer self, view_shown& x) {
  take_view(self, std::move(x.text));
}

void perform(self_pointer self, offers_changed& x) {
  auto& st = self->state;
  auto before = std::exchange(st.offers, x.offers);
  if (before.on != x.offers.on || before.metered != x.offers.metered)
    st.env->roster.tell(
        sharing_told{st.connection, x.offers.on, x.offers.metered});
  tell_exits(self);
}

void perform(self_pointer self, egress_shown& x) {
  auto& st = self->state;
  st.env->roster.tell(egress_told{st.connection, std::move(x.lines)});
}

void perform(self_pointer self, tunnel_asked& x) {
  take_tunnel_request(self, x);
}

void perform(self_pointer self, tunnel_stands& x) {
  take(self, x);
}

void perform(self_pointer self, tunnel_brought& x) {
  take(self, x);
}

void perform(self_pointer self, tunnel_credited& x) {
  take(self, x);
}

void perform(self_pointer self, tunnel_closed& x) {
  take(self, x);
}

void perform(self_pointer self, peer_left&) {
  self->state.left = true;
}

void perform(self_pointer self, session_closed& x) {
  end(self, x.reason);
}

void write_collected(self_pointer self) {
  auto& st = self->state;
  if (st.to_write.empty())
    return;
  uint64_t size = 0;
  for (auto& x : st.to_write)
    size += x.size();
  ++st.writes;
  if (st.unwritten.empty())
    st.wrote = now_of(self);
  st.unwritten.push_back(size);
  st.start.stream->write(std::exchange(st.to_write, {}),
                         send_back(self, [](result<void> outcome) {
                           return stream_written{std::move(outcome)};
                         }));
}

/// Does what the link says. Everything to be written leaves in one piece.
void pump(self_pointer self) {
  auto& st = self->state;
  while (st.link && !st.ended) {
    auto event = st.link->poll();
    if (!event)
      break;
    if (!std::holds_alternative<range_arrived>(*event))
      pass_on_arrived(self);
    // The last words leave before the connection is closed.
    if (std::holds_alternative<session_closed>(*event))
      write_collected(self);
    std::visit([self](auto& x) { perform(self, x); }, *event);
  }
  pass_on_arrived(self);
  if (!st.ended)
    write_collected(self);
}

// -- the connection -----------------------------------------------------------

std::unique_ptr<peer_link> make_secure(const environment& env,
                                       const session_start& start) {
  secure_session_config x;
  x.role = start.dialled ? session_role::initiator : session_role::responder;
  x.self.agent = "peapod";
  x.self.name = env.config.name;
  x.self.capabilities = capability_unhashed;
  if (env.config.pod_view)
    x.self.capabilities |= capability_view;
  if (env.config.share && env.config.share_tunnels > 0)
    x.self.capabilities |= capability_tunnels;
  if (start.dialled) {
    x.responder_key = start.dialled->key;
    x.expected_device = start.dialled->expected;
  }
  if (env.ports.psk)
    x.psk = env.ports.psk->clone();
  return std::make_unique<secure_link>(
      *env.self, std::move(x), env.ports.random, env.config.waiting_timeout);
}

std::unique_ptr<peer_link> make_legacy(const environment& env,
                                       const session_start& start) {
  session_config x;
  x.role = start.dialled ? session_role::initiator : session_role::responder;
  uint16_t capabilities = env.config.pod_view ? capability_view : 0;
  x.hello = hello_extension{newest_protocol, capabilities, env.config.name};
  if (start.dialled)
    x.expected_device =
        start.dialled->id ? start.dialled->id : start.dialled->expected;
  return std::make_unique<legacy_link>(*env.self, std::move(x));
}

/// Whoever connects says with its first byte which protocol it speaks.
std::unique_ptr<peer_link>
make_link(const environment& env, const session_start& start, uint8_t first) {
  return first == hello{}.version && env.config.legacy
             ? make_legacy(env, start)
             : make_secure(env, start);
}

void begin(self_pointer self, std::unique_ptr<peer_link> link) {
  self->state.link = std::move(link);
  self->state.link->start(now_of(self));
  pump(self);
}

void read_on(self_pointer self) {
  self->state.start.stream->read_some(
      send_back(self, [](result<slice> outcome) {
        return stream_read{std::move(outcome)};
      }));
}

void on_start(self_pointer self) {
  auto& st = self->state;
  auto& dialled = st.start.dialled;
  if (dialled)
    begin(self, dialled->secure ? make_secure(*st.env, st.start)
                                : make_legacy(*st.env, st.start));
  if (st.ended)
    return;
  read_on(self);
  self->delayed_send(self, tick_interval, tick{});
}

void on_stream_read(self_pointer self, stream_read& msg) {
  auto& st = self->state;
  if (st.ended)
    return;
  if (!msg.outcome) {
    end(self, msg.outcome.error());
    return;
  }
  auto& bytes = *msg.outcome;
  if (!st.link && !bytes.empty())
    begin(self, make_link(*st.env, st.start, bytes.bytes().front()));
  if (st.link)
    st.link->receive(bytes, now_of(self));
  pump(self);
  if (!st.ended)
    read_on(self);
}

void on_stream_written(self_pointer self, const stream_written& msg) {
  auto& st = self->state;
  st.unwritten.pop_front();
  st.wrote = now_of(self);
  give_back_sent(st);
  if (!msg.outcome)
    end(self, msg.outcome.error());
  if (st.ended)
    return;
  serve_queued(self);
  look_for_peer(self);
  pump(self); // what was refused leaves now, not with the next tick
}

void on_tick(self_pointer self) {
  auto& st = self->state;
  auto now = now_of(self);
  if (!st.link) {
    if (now - st.begun >= first_byte_timeout)
      end(self, make_error(errc::timed_out, "it connected and said nothing"));
  } else {
    forget_lost_fetches(self);
    st.link->expire(now);
    if (st.ready) {
      tell_offers(self);
      tell_lines(self);
    }
    tell_exits(self);
    if (!st.unwritten.empty() && now - st.wrote >= write_timeout)
      say_goodbye(self, wire2::goodbye_reason::misbehaved,
                  make_error(errc::timed_out, "the peer takes nothing"));
  }
  if (st.opened && !st.ended)
    st.env->console.tell(
        session_reported{*st.peer, st.bytes_from, st.bytes_to});
  pump(self);
  if (!st.ended)
    self->delayed_send(self, tick_interval, tick{});
}

void on_admission(self_pointer self, const admission& msg) {
  if (self->state.link)
    self->state.link->admit(msg.admitted, now_of(self));
  pump(self);
}

void on_trust_decided(self_pointer self, const trust_decided& msg) {
  if (self->state.link)
    self->state.link->trust(msg.trusted, now_of(self));
  pump(self);
}

} // namespace

peer_session_actor::behavior_type peer_session_behavior(self_pointer self,
                                                        environment_ptr env,
                                                        session_start start) {
  auto& st = self->state;
  st.env = std::move(env);
  st.start = std::move(start);
  st.connection = st.env->next_connection++;
  st.begun = now_of(self);
  self->set_exit_handler([self](caf::exit_msg& x) {
    end(self, make_error(errc::cancelled, "stopped"));
    self->quit(x.reason);
  });
  return {
      [self](fetch_chunk& msg) { on_fetch_chunk(self, msg); },
      [self](const cancel_chunk& msg) { on_cancel_chunk(self, msg); },
      [self](const chunk_arrived& msg) {
        add_served(self, msg);
        pump(self);
      },
      [self](const chunk_settled& msg) {
        finish_served(self, msg);
        pump(self);
      },
      [self](start_work) { on_start(self); },
      [self](stream_read& msg) { on_stream_read(self, msg); },
      [self](const stream_written& msg) { on_stream_written(self, msg); },
      [self](const admission& msg) { on_admission(self, msg); },
      [self](const trust_decided& msg) { on_trust_decided(self, msg); },
      [self](const tick&) { on_tick(self); },
      [self](ask_view& msg) {
        ask_for_view(self, msg);
        pump(self);
      },
      [self](view_ready& msg) {
        send_view(self, msg);
        pump(self);
      },
      [self](open_relay& msg) {
        ask_for_tunnel(self, msg);
        pump(self);
      },
      [self](const relay_opened& msg) {
        pass_on(self, msg);
        pump(self);
      },
      [self](const relay_bytes& msg) {
        pass_on(self, msg);
        pump(self);
      },
      [self](const relay_credit& msg) {
        pass_on(self, msg);
        pump(self);
      },
      [self](const relay_closed& msg) {
        pass_on(self, msg);
        pump(self);
      },
      [self](const drop_session& msg) {
        say_goodbye(self, msg.how, make_error(errc::cancelled, msg.reason));
      },
      [self](leave_pod) {
        say_goodbye(self, wire2::goodbye_reason::leaving,
                    make_error(errc::cancelled, "this device leaves"));
      },
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
