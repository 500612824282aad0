#include "actors/acceptors.hpp"

#include "actors/peer_session.hpp"
#include "actors/proxy_connection.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

template <class Message, class Self>
void accept_next(Self* self) {
  self->state.port->accept(send_back(
      self, [](auto outcome) { return Message{std::move(outcome)}; }));
}

/// An acceptor whose socket is gone has failed: its supervisor opens another.
template <class Self>
void fail(Self* self, const error& why) {
  self->state.env->log(log_level::error,
                       std::string{self->state.name} + ": " + to_string(why));
  self->quit(caf::make_error(caf::sec::runtime_error, to_string(why)));
}

/// Whether a client may use this proxy: from this machine, or from a network
/// that the user named.
bool is_allowed(const pod_config& config, const http_server_stream& stream) {
  static const auto loopback = {*parse_network("127.0.0.0/8"),
                                *parse_network("::1/128")};
  auto client = stream.remote().address;
  auto ip = parse_ip(client);
  auto has = [&](const network& x) { return x.contains(ip->unmapped()); };
  if (ip
      && (std::ranges::any_of(loopback, has)
          || std::ranges::any_of(config.client_networks, has)))
    return true;
  // Only this machine has both addresses.
  return client == stream.local().address;
}

/// How often a shortage is told.
constexpr auto complaint_interval = 10s;

void tell_refused(proxy_acceptor_state::self_pointer self) {
  auto& st = self->state;
  auto text = "clients are turned away: " + st.why + " ("
              + std::to_string(std::exchange(st.refused, 0))
              + " since the last such line)";
  st.env->log(log_level::warn, text);
  st.env->publish(event_kind::overloaded, text);
  st.telling = true;
  self->delayed_send(self, complaint_interval, tick{});
}

/// A limit is reached: told at once, then again while it lasts.
void complain(proxy_acceptor_state::self_pointer self, const std::string& why) {
  auto& st = self->state;
  ++st.env->counters.turned_away;
  ++st.refused;
  st.why = why;
  if (!st.telling)
    tell_refused(self);
}

/// Nobody is forgotten who was turned away since the last line, even if no
/// other client comes.
void on_tick(proxy_acceptor_state::self_pointer self) {
  self->state.telling = false;
  if (self->state.refused > 0)
    tell_refused(self);
}

/// Whether a client can be served. If not, it has been turned away.
bool has_room(proxy_acceptor_state::self_pointer self,
              http_server_stream& stream) {
  auto& st = self->state;
  auto& counters = st.env->counters;
  bool full = counters.active >= st.env->config.max_clients;
  bool scarce = stream.is_one_too_many();
  if (!full && !scarce)
    return true;
  if (st.port->close_idle()) {
    ++counters.made_room;
    if (stream.can_be_served())
      return true;
  }
  std::string why = full ? "there are as many clients as [proxy] max-clients "
                           "allows"
                         : "this device has no descriptors left (ulimit -n)";
  complain(self, why);
  stream.turn_away(why);
  return false;
}

void start_client(proxy_acceptor_state::self_pointer self,
                  std::shared_ptr<http_server_stream> stream) {
  auto& st = self->state;
  if (!is_allowed(st.env->config, *stream)) {
    st.env->log(log_level::warn, "a client at " + stream->remote().address
                                     + " is not in [proxy] allow");
    stream->close(true);
    return;
  }
  if (!has_room(self, *stream))
    return;
  child_spec spec;
  // Handed over, not shared: a connection must end on its actor's thread.
  auto held = std::make_shared<decltype(stream)>(std::move(stream));
  spec.start = [env = st.env, held](caf::actor_system&) {
    auto handle = spawn_on<proxy_connection_actor, proxy_connection_state>(
        env->io, proxy_connection_behavior, env, std::exchange(*held, nullptr));
    return caf::actor_cast<caf::strong_actor_ptr>(handle);
  };
  st.env->clients.tell(start_child{std::move(spec)});
}

void on_peer(peer_acceptor_state::self_pointer self,
             const std::shared_ptr<byte_stream>& stream) {
  auto& st = self->state;
  // Who is one too many costs nothing more than this.
  auto ticket = st.gate.enter(stream->remote().address, now_of(self));
  if (ticket)
    start_session(st.env, session_start{stream, {}, std::move(ticket)});
  else
    stream->close();
}

} // namespace

proxy_acceptor_actor::behavior_type
proxy_acceptor_behavior(proxy_acceptor_state::self_pointer self,
                        environment_ptr env,
                        std::shared_ptr<http_acceptor> port) {
  self->state.env = std::move(env);
  self->state.port = std::move(port);
  return {
      [self](client_accepted& msg) {
        if (!msg.outcome) {
          fail(self, msg.outcome.error());
          return;
        }
        start_client(self, std::move(*msg.outcome));
        accept_next<client_accepted>(self);
      },
      [self](start_work) { accept_next<client_accepted>(self); },
      [self](const request_turned_away& msg) { complain(self, msg.why); },
      [self](tick) { on_tick(self); },
  };
}

peer_acceptor_actor::behavior_type
peer_acceptor_behavior(peer_acceptor_state::self_pointer self,
                       environment_ptr env,
                       std::shared_ptr<stream_acceptor> port) {
  self->state.env = std::move(env);
  self->state.port = std::move(port);
  return {
      [self](start_work) { accept_next<peer_accepted>(self); },
      [self](peer_accepted& msg) {
        if (!msg.outcome) {
          fail(self, msg.outcome.error());
          return;
        }
        on_peer(self, *msg.outcome);
        accept_next<peer_accepted>(self);
      },
  };
}

} // namespace peapod
