#include "actors/roster.hpp"

#include "actors/peer_session.hpp"
#include "actors/roster_lines.hpp"
#include "actors/roster_network.hpp"
#include "actors/roster_strangers.hpp"
#include "actors/roster_trust.hpp"

#include <algorithm>
#include <chrono>
#include <variant>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = roster_state::self_pointer;

constexpr auto tick_interval = 250ms;
constexpr auto dial_timeout = 5s;

// -- what the core decides ----------------------------------------------------

void perform(self_pointer self, const roster::dial& x) {
  self->state.env->ports.dialer->dial(
      endpoint{x.address, x.port}, dial_timeout,
      send_back(self, [x](result<std::shared_ptr<byte_stream>> outcome) {
        return peer_dialled{x, std::move(outcome)};
      }));
}

void perform(self_pointer self, const roster::drop& x) {
  auto i = self->state.sessions.find(x.connection);
  if (i != self->state.sessions.end())
    tell(i->second.handle,
         drop_session{x.reason, wire2::goodbye_reason::duplicate});
}

std::string label(const roster_state::session_entry& x) {
  return (x.name.empty() ? "a device without a name" : x.name) + " at "
         + to_string(x.remote);
}

void join_scheduler(self_pointer self, const roster_state::session_entry& x) {
  self->state.env->scheduler.tell(
      source_joined{x.id, x.handle, source_traits{false, x.foreign, x.secure}});
}

/// The session is the device's, and both sides want it.
void take_up(self_pointer self, const roster_state::session_entry& x) {
  if (x.shares)
    join_scheduler(self, x);
  self->state.env->publish(event_kind::peer_up, label(x) + " is connected",
                           to_string(x.id));
}

void perform(self_pointer self, const roster::peer_up& x) {
  auto& st = self->state;
  auto i = st.sessions.find(x.connection);
  if (i == st.sessions.end())
    return;
  i->second.current = true;
  if (i->second.ready)
    take_up(self, i->second);
}

void perform(self_pointer self, const roster::peer_down& x) {
  // The scheduler has been told with the session that ended.
  auto& env = *self->state.env;
  env.log(x.was_peer ? log_level::info : log_level::debug,
          "peer is gone: " + x.reason + " peer=" + to_string(x.id));
  if (x.was_peer)
    env.publish(event_kind::peer_down, "gone: " + x.reason, to_string(x.id));
}

void perform(self_pointer self, const roster::forgotten& x) {
  self->state.same_line.erase(x.id);
  self->state.env->log(log_level::debug, "forgotten peer=" + to_string(x.id));
}

void pump(self_pointer self) {
  while (auto action = self->state.core->poll())
    std::visit([self](auto& x) { perform(self, x); }, *action);
}

// -- events -------------------------------------------------------------------

void on_beacon_heard(self_pointer self, const beacon_heard& msg) {
  auto& st = self->state;
  auto who = msg.who;
  who.wanted = st.env->ports.trust->is_trusted(who.key);
  auto known = st.core->beacon_heard(who, now_of(self));
  if (known && msg.wants_reply && st.core->should_reply(who.id, now_of(self)))
    st.env->discovery.tell(send_beacon{msg.from});
  pump(self);
}

void on_peer_dialled(self_pointer self, peer_dialled& msg) {
  auto& st = self->state;
  if (msg.outcome
      && start_session(st.env,
                       session_start{std::move(*msg.outcome), msg.what}))
    return;
  auto why = msg.outcome ? make_error(errc::cancelled, "not ready for sessions")
                         : msg.outcome.error();
  st.env->log(log_level::debug,
              "no connection to " + msg.what.address + ": " + to_string(why));
  st.core->dial_failed(msg.what, why, now_of(self));
  pump(self);
}

void on_admission_requested(self_pointer self, const admission_requested& msg) {
  auto& st = self->state;
  auto verdict =
      may_speak(*st.env, msg.key, msg.secure)
          ? st.core->admit(msg.id, msg.remote.address, now_of(self), msg.secure)
          : result<void>{spoke_more()};
  if (!verdict)
    st.env->log(log_level::debug, "not admitted: " + to_string(verdict.error())
                                      + " peer=" + to_string(msg.id));
  tell(msg.session, admission{bool{verdict}});
}

/// Tells a session whether its peer belongs to the pod. Those that do not wait
/// for people to compare codes; there is room for a few.
void decide(self_pointer self, uint64_t connection) {
  auto& st = self->state;
  auto i = st.sessions.find(connection);
  if (i == st.sessions.end())
    return;
  auto& x = i->second;
  x.trusted = is_wanted(*st.env, x);
  if (!may_speak(*st.env, x.key, x.secure)) {
    x.leaves = true;
    tell(x.handle, drop_session{spoke_more().detail});
    return;
  }
  tell(x.handle, trust_decided{x.trusted});
  if (!x.trusted)
    take_into_waiting_room(self);
}

void on_session_ready(self_pointer self, const session_ready& msg) {
  auto& st = self->state;
  auto i = st.sessions.find(msg.connection);
  if (i == st.sessions.end() || std::exchange(i->second.ready, true))
    return;
  i->second.code.reset();
  st.core->session_ready(i->second.id, msg.connection);
  note_peer(self, i->second);
  if (i->second.current)
    take_up(self, i->second);
}

/// Who brings nothing at the moment is not asked.
void on_sharing_told(self_pointer self, const sharing_told& msg) {
  auto& st = self->state;
  auto i = st.sessions.find(msg.connection);
  if (i == st.sessions.end())
    return;
  auto& x = i->second;
  x.metered = msg.metered;
  if (std::exchange(x.shares, msg.on) == msg.on)
    return;
  if (!x.current || !x.ready)
    return;
  st.env->log(
      log_level::info,
      label(x) + (msg.on ? " shares again peer=" : " does not share now peer=")
          + to_string(x.id));
  if (msg.on)
    join_scheduler(self, x);
  else
    st.env->scheduler.tell(source_lost{x.id, x.handle});
}

void on_session_waiting(self_pointer self, const session_waiting& msg) {
  auto& st = self->state;
  auto i = st.sessions.find(msg.connection);
  if (i == st.sessions.end() || i->second.ready)
    return;
  i->second.code = msg.code;
  if (i->second.current)
    st.env->log(waiting_level(self), label(i->second) + " waits; its code is "
                                         + to_string(msg.code)
                                         + " peer=" + to_string(i->second.id));
}

void on_session_opened(self_pointer self, const session_opened& msg) {
  auto& st = self->state;
  st.sessions[msg.connection] = {msg.id,     msg.key,     msg.foreign,
                                 msg.secure, msg.tunnels, msg.session,
                                 msg.remote, msg.local,   msg.name};
  st.sessions.at(msg.connection).since = now_of(self);
  self->monitor(msg.session);
  roster::link link;
  link.id = msg.id;
  link.key = msg.key;
  link.connection = msg.connection;
  link.initiated_by_us = msg.dialled.has_value();
  link.address = msg.dialled ? msg.dialled->address : msg.remote.address;
  link.port = msg.dialled ? msg.dialled->port : 0;
  link.name = msg.name;
  link.foreign = msg.foreign;
  link.secure = msg.secure;
  link.waits = true;
  link.wanted = st.env->ports.trust->is_trusted(msg.key);
  st.core->session_established(link, now_of(self));
  note_session(self, st.sessions.at(msg.connection));
  pump(self);
  decide(self, msg.connection);
}

void lose(self_pointer self, uint64_t connection, const error& why, bool left) {
  auto& st = self->state;
  auto i = st.sessions.find(connection);
  if (i == st.sessions.end())
    return;
  auto entry = i->second;
  st.sessions.erase(i);
  if (!entry.ready)
    count_stranger(self);
  self->demonitor(entry.handle->address());
  st.env->scheduler.tell(source_lost{entry.id, entry.handle});
  if (left)
    st.core->goodbye(entry.id, connection, now_of(self));
  else
    st.core->session_lost(entry.id, connection, why, now_of(self));
  pump(self);
}

void on_session_ended(self_pointer self, const session_ended& msg) {
  if (msg.id) {
    lose(self, msg.connection, msg.why, msg.left);
  } else if (msg.dialled) {
    self->state.core->dial_failed(*msg.dialled, msg.why, now_of(self));
    pump(self);
  }
}

void on_down(self_pointer self, const caf::down_msg& msg) {
  auto& sessions = self->state.sessions;
  auto i = std::find_if(sessions.begin(), sessions.end(), [&](auto& kv) {
    return kv.second.handle->address() == msg.source;
  });
  if (i != sessions.end())
    lose(self, uint64_t{i->first},
         make_error(errc::connection_closed, "the session failed"), false);
}

peer_list list(self_pointer self) {
  auto& sessions = self->state.sessions;
  peer_list out;
  for (auto& x : self->state.core->list(now_of(self))) {
    peer_status peer;
    peer.id = x.id;
    peer.name = x.name;
    auto session = sessions.find(x.connection.value_or(0));
    if (!x.address.empty())
      peer.address = to_string(endpoint{x.address, x.port});
    else if (session != sessions.end())
      peer.address = to_string(session->second.remote);
    peer.tunnels = session != sessions.end() && session->second.ready
                   && session->second.tunnels;
    peer.state = to_string(x.state);
    peer.protocol = x.secure ? "2" : x.foreign ? "1 (foreign)" : "1";
    peer.secure = x.secure;
    peer.why = x.why;
    describe_trust(self, x, peer);
    auto& same = self->state.same_line;
    if (auto i = same.find(x.id); i != same.end())
      peer.same_line = i->second;
    out.peers.push_back(std::move(peer));
  }
  describe_lines(self, out);
  add_absent(*self->state.env, out.peers);
  out.crowded = is_crowded(self);
  return out;
}

trust_change on_change_trust(self_pointer self, const change_trust& msg) {
  auto changed = set_trust(self, msg);
  if (!changed)
    return {changed.error()};
  for (auto& x : list(self).peers)
    if (x.id == changed->id)
      return {std::move(x)};
  return {std::move(*changed)};
}

roster_config config_of(const environment& env) {
  roster_config out;
  out.self = env.self->device();
  out.legacy = env.config.legacy;
  if (env.config.trust != trust_mode::open)
    out.legacy_devices.emplace(env.config.legacy_devices.begin(),
                               env.config.legacy_devices.end());
  out.forget_after = 4 * env.config.beacon_interval;
  return out;
}

} // namespace

roster_actor::behavior_type roster_behavior(self_pointer self,
                                            environment_ptr env) {
  auto& st = self->state;
  st.core =
      std::make_unique<peapod::roster>(config_of(*env), env->ports.random);
  st.env = std::move(env);
  self->set_down_handler([self](caf::down_msg& x) { on_down(self, x); });
  return {
      [self](start_work) {
        auto& st = self->state;
        for (auto& x : st.env->config.static_peers)
          st.core->add_static(x.at.address, x.at.port, now_of(self), x.id);
        // Dialled from the first tick on: sessions begin after the roster.
        watch_network(self);
        self->delayed_send(self, tick_interval, tick{});
      },
      [self](const beacon_heard& msg) { on_beacon_heard(self, msg); },
      [self](announcement_due) {
        auto& st = self->state;
        if (st.core->should_announce(now_of(self)))
          st.env->discovery.tell(send_beacon{});
      },
      [self](const network_changed& msg) {
        on_network_changed(self, msg);
        pump(self);
      },
      [self](peer_dialled& msg) { on_peer_dialled(self, msg); },
      [self](const admission_requested& msg) {
        on_admission_requested(self, msg);
      },
      [self](const session_opened& msg) { on_session_opened(self, msg); },
      [self](const session_ready& msg) { on_session_ready(self, msg); },
      [self](const sharing_told& msg) { on_sharing_told(self, msg); },
      [self](egress_told& msg) {
        auto& sessions = self->state.sessions;
        if (auto i = sessions.find(msg.connection); i != sessions.end())
          i->second.lines = std::move(msg.lines);
      },
      [self](const session_waiting& msg) { on_session_waiting(self, msg); },
      [self](const session_ended& msg) { on_session_ended(self, msg); },
      [self](scheduler_started) {
        auto& st = self->state;
        st.same_line.clear(); // it finds out anew
        for (auto& x : st.core->list(now_of(self)))
          if (auto i = st.sessions.find(x.connection.value_or(0));
              i != st.sessions.end() && i->second.ready && i->second.shares)
            join_scheduler(self, i->second);
      },
      [self](const source_set_aside& msg) {
        self->state.core->set_aside(msg.id, msg.until);
      },
      [self](const line_shared& msg) {
        auto& same = self->state.same_line;
        if (msg.with)
          same[msg.id] = *msg.with;
        else
          same.erase(msg.id);
      },
      [self](const tick&) {
        reconnect_late(self);
        self->state.core->expire(now_of(self));
        pump(self);
        save_notes(self, false);
        tell_of_strangers(self);
        self->delayed_send(self, tick_interval, tick{});
      },
      [self](leave_pod) {
        save_notes(self, true);
        for (auto& [connection, x] : self->state.sessions)
          tell(x.handle, leave_pod{});
      },
      [self](list_peers) { return list(self); },
      [self](const change_trust& msg) { return on_change_trust(self, msg); },
  };
}

} // namespace peapod
