#include "hosts/get/line_keeper.hpp"

#include "hosts/common/control_client.hpp"
#include "hosts/get/line.hpp"
#include "hosts/net/http_ports.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = line_keeper_state::self_pointer;

constexpr auto ask_interval = 2s;

/// How often the daemon may not answer before it counts as gone.
constexpr unsigned patience = 2;

/// The field of a CONNECT that says through whose line it is to go.
constexpr auto exit_field = "PeaPod-Exit";

std::shared_ptr<http_client> make_client(const line_setup& setup,
                                         const std::string& exit) {
  net::client_config config;
  config.ca_file = setup.ca_file;
  if (setup.daemon) {
    upstream_proxy proxy;
    proxy.host = setup.daemon->proxy.address;
    proxy.port = setup.daemon->proxy.port;
    proxy.connect_fields.add(exit_field, exit);
    config.wan.upstream.proxy = std::move(proxy);
    // Whose machine is meant by 127.0.0.1 is for the exit to say.
    config.wan.upstream.always = exit != "own";
  }
  return net::make_http_client(setup.io, std::move(config));
}

std::string label_of(const tunnel_exit& x) {
  return x.name.empty() ? to_string(x.id).substr(0, 8) : x.name;
}

// -- lines --------------------------------------------------------------------

line_actor add_line(self_pointer self, const device_id& id,
                    std::shared_ptr<http_client> http,
                    const tunnel_exit& exit) {
  auto& st = self->state;
  if (st.setup.uploads) {
    self->send(st.setup.uploads,
               line_joined{id, std::move(http), label_of(exit), exit.adds});
    return line_actor{};
  }
  bool own = id == st.env->self->device();
  auto out = spawn_on<line_actor, line_state>(
      st.env->io, line_behavior, st.env,
      line_start{id, std::move(http), caf::actor_cast<line_keeper_actor>(self),
                 st.setup.desk});
  st.env->scheduler.tell(
      source_joined{id, caf::actor_cast<caf::strong_actor_ptr>(out),
                    source_traits{own, false, !own}});
  return out;
}

void drop_line(self_pointer self, const device_id& id, const line_actor& x) {
  auto& st = self->state;
  st.setup.shown->device_left(id);
  if (st.setup.uploads)
    return self->send(st.setup.uploads, line_left{id});
  st.env->scheduler.tell(
      source_lost{id, caf::actor_cast<caf::strong_actor_ptr>(x)});
  self->send_exit(x, caf::exit_reason::user_shutdown);
}

void renew_own_line(self_pointer self) {
  auto& st = self->state;
  auto id = st.env->self->device();
  if (std::exchange(st.has_own, true))
    drop_line(self, id, st.own);
  st.env->ports.http = make_own_client(st.setup);
  auto& daemon = st.setup.daemon;
  st.own = add_line(self, id, st.env->ports.http,
                    daemon ? daemon->own : tunnel_exit{});
  st.setup.shown->device_joined(
      id,
      daemon && !daemon->own.name.empty() ? daemon->own.name : "this device",
      true);
}

void follow_peers(self_pointer self, const std::vector<tunnel_exit>& now) {
  auto& st = self->state;
  std::erase_if(st.peers, [&](auto& kv) {
    bool gone = std::ranges::find(now, kv.first, &tunnel_exit::id) == now.end();
    if (gone)
      drop_line(self, kv.first, kv.second);
    return gone;
  });
  for (auto& x : now) {
    if (st.peers.contains(x.id) || st.distrusted.contains(x.id)
        || x.id == st.env->self->device())
      continue;
    st.peers[x.id] =
        add_line(self, x.id, make_client(st.setup, to_string(x.id)), x);
    st.setup.shown->device_joined(x.id, label_of(x), false);
  }
}

// -- the daemon ---------------------------------------------------------------

void ask(self_pointer self) {
  auto& setup = self->state.setup;
  if (setup.direct || std::exchange(self->state.asking, true))
    return;
  async_ask_daemon(setup.io, setup.socket, {"GET", "/v1/status", ""}, 2s,
                   send_back(self, [](result<net::control_response> x) {
                     if (!x)
                       return lines_told{x.error()};
                     return lines_told{parse_daemon_lines(x->body)};
                   }));
}

void ask_later(self_pointer self) {
  if (!std::exchange(self->state.waiting, true))
    self->delayed_send(self, ask_interval, tick{});
}

/// Whether nobody listens where the daemon did: it has ended.
bool is_gone(const error& why) {
  return why.code == errc::connection_refused;
}

void on_lines_told(self_pointer self, lines_told& msg) {
  auto& st = self->state;
  auto& daemon = st.setup.daemon;
  st.asking = false;
  if (msg.outcome) {
    st.silences = 0;
    bool moved = !daemon || daemon->proxy != msg.outcome->proxy;
    daemon = std::move(*msg.outcome);
    if (moved) {
      follow_peers(self, {}); // their tunnels led through the old one
      renew_own_line(self);
    }
    follow_peers(self, daemon->peers);
  } else if (daemon
             && (is_gone(msg.outcome.error()) || ++st.silences >= patience)) {
    st.setup.shown->note("the daemon has gone: the rest comes over this "
                         "device's own line");
    daemon.reset();
    follow_peers(self, {});
    renew_own_line(self);
  }
  ask_later(self);
}

void on_line_distrusted(self_pointer self, const line_distrusted& msg) {
  auto& st = self->state;
  auto i = st.peers.find(msg.id);
  if (i == st.peers.end())
    return;
  auto& peers = st.setup.daemon->peers;
  auto who = std::ranges::find(peers, msg.id, &tunnel_exit::id);
  auto name = who == peers.end() ? to_string(msg.id) : label_of(*who);
  st.setup.shown->note("over the line of " + name
                       + " somebody else answers, so that it is not used: "
                       + to_string(msg.why));
  st.distrusted.insert(msg.id);
  drop_line(self, msg.id, i->second);
  st.peers.erase(i);
}

} // namespace

std::shared_ptr<http_client> make_own_client(const line_setup& setup) {
  return make_client(setup, "own");
}

line_keeper_actor::behavior_type
line_keeper_behavior(self_pointer self, environment_ptr env, line_setup setup) {
  auto& st = self->state;
  st.env = std::move(env);
  st.setup = std::move(setup);
  renew_own_line(self);
  if (st.setup.daemon)
    follow_peers(self, st.setup.daemon->peers);
  if (!st.setup.direct)
    ask_later(self);
  return {
      [self](tick) {
        self->state.waiting = false;
        ask(self);
      },
      [self](line_troubled) {
        if (self->state.setup.daemon)
          ask(self);
      },
      [self](lines_told& msg) { on_lines_told(self, msg); },
      [self](const line_distrusted& msg) { on_line_distrusted(self, msg); },
  };
}

} // namespace peapod
