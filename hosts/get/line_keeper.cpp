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
using keeper_pointer = line_keeper_state::self_pointer;

constexpr auto ask_interval = 2s;

/// How often the daemon may not answer before it counts as gone.
constexpr unsigned max_silences = 2;

/// The field of a CONNECT that says through whose line it is to go.
constexpr auto exit_field = "PeaPod-Exit";

/// Whether it leaves from this device.
bool is_own(const std::string& exit) {
  return exit == "own" || exit.starts_with("own/");
}

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
    config.wan.upstream.always = !is_own(exit);
  }
  return net::make_http_client(setup.io, std::move(config));
}

std::string label_of(const tunnel_exit& x) {
  auto name = x.name.empty() ? to_string(x.id).substr(0, 8) : x.name;
  return x.line.empty() ? name : name + " " + x.line;
}

// -- lines --------------------------------------------------------------------

line_actor add_line(keeper_pointer self, const device_id& id,
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

void drop_line(keeper_pointer self, const device_id& id, const line_actor& x) {
  auto& st = self->state;
  st.setup.shown->device_left(id);
  if (st.setup.uploads)
    return self->send(st.setup.uploads, line_left{id});
  st.env->scheduler.tell(
      source_lost{id, caf::actor_cast<caf::strong_actor_ptr>(x)});
  self->send_exit(x, caf::exit_reason::user_shutdown);
}

void renew_own_line(keeper_pointer self) {
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
      true, daemon ? daemon->own.line : std::string{});
}

void drop_other(keeper_pointer self, const device_id& id, const line_actor& x) {
  self->state.setup.spare->drop(id);
  drop_line(self, id, x);
}

/// The lines besides the own one are these.
void follow_others(keeper_pointer self, const std::vector<tunnel_exit>& now) {
  auto& st = self->state;
  std::erase_if(st.others, [&](auto& kv) {
    bool gone = std::ranges::find(now, kv.first, &tunnel_exit::id) == now.end();
    if (gone)
      drop_other(self, kv.first, kv.second);
    return gone;
  });
  for (auto& x : now) {
    if (st.others.contains(x.id) || st.distrusted.contains(x.id)
        || x.id == st.env->self->device())
      continue;
    auto http = make_client(st.setup, x.field);
    st.setup.spare->add({x.id, label_of(x), http});
    st.others[x.id] = add_line(self, x.id, std::move(http), x);
    st.setup.shown->device_joined(x.id, x.line.empty() ? label_of(x) : x.name,
                                  false, x.line);
  }
}

void follow_others(keeper_pointer self, const daemon_lines& daemon) {
  auto all = daemon.more_own;
  all.insert(all.end(), daemon.peers.begin(), daemon.peers.end());
  follow_others(self, all);
}

// -- the daemon ---------------------------------------------------------------

void ask(keeper_pointer self) {
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

void ask_later(keeper_pointer self) {
  if (!std::exchange(self->state.waiting, true))
    self->delayed_send(self, ask_interval, tick{});
}

/// Whether nobody listens where the daemon did: it has ended.
bool is_gone(const error& why) {
  return why.code == errc::connection_refused;
}

void on_lines_told(keeper_pointer self, lines_told& msg) {
  auto& st = self->state;
  auto& daemon = st.setup.daemon;
  st.asking = false;
  if (msg.outcome) {
    st.silences = 0;
    bool moved = !daemon || daemon->proxy != msg.outcome->proxy;
    bool other_line = !daemon || daemon->own.field != msg.outcome->own.field;
    daemon = std::move(*msg.outcome);
    if (moved)
      follow_others(self, std::vector<tunnel_exit>{}); // they led through it
    if (moved || other_line)
      renew_own_line(self);
    follow_others(self, *daemon);
  } else if (daemon
             && (is_gone(msg.outcome.error())
                 || ++st.silences >= max_silences)) {
    st.setup.shown->note("the daemon has gone: the rest comes over this "
                         "device's own line");
    daemon.reset();
    follow_others(self, std::vector<tunnel_exit>{});
    renew_own_line(self);
  }
  ask_later(self);
}

void on_line_distrusted(keeper_pointer self, const line_distrusted& msg) {
  auto& st = self->state;
  auto i = st.others.find(msg.id);
  if (i == st.others.end())
    return;
  auto& peers = st.setup.daemon->peers;
  auto who = std::ranges::find(peers, msg.id, &tunnel_exit::id);
  auto name = who == peers.end() ? to_string(msg.id) : label_of(*who);
  st.setup.shown->note("over the line of " + name
                       + " somebody else answers, so that it is not used: "
                       + to_string(msg.why));
  st.distrusted.insert(msg.id);
  drop_other(self, msg.id, i->second);
  st.others.erase(i);
}

} // namespace

std::shared_ptr<http_client> make_own_client(const line_setup& setup) {
  return make_client(setup, setup.daemon ? setup.daemon->own.field : "own");
}

line_keeper_actor::behavior_type line_keeper_behavior(keeper_pointer self,
                                                      environment_ptr env,
                                                      line_setup setup) {
  auto& st = self->state;
  st.env = std::move(env);
  st.setup = std::move(setup);
  renew_own_line(self);
  if (st.setup.daemon)
    follow_others(self, *st.setup.daemon);
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
