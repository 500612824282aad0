#include "tests/actors/pod_fixture.hpp"

#include "actors/acceptors.hpp"
#include "actors/console.hpp"
#include "actors/discovery_listener.hpp"
#include "actors/exits.hpp"
#include "actors/line_watcher.hpp"
#include "actors/proxy_connection.hpp"
#include "actors/roster.hpp"
#include "actors/scheduler.hpp"
#include "actors/supervisor.hpp"
#include "actors/wan_fetcher.hpp"

#include <algorithm>
#include <utility>

namespace peapod::fakes {

template <class Handle, class State, class Behavior>
void pod_fixture::start(device& x, current<Handle>& slot, Behavior behavior) {
  auto handle = spawn_on<Handle, State>(x.env->io, behavior, x.env);
  slot.set(handle);
  x.actors.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
}

template <class Handle, class State, class Behavior, class Port>
Handle pod_fixture::start_port(device& x, Behavior behavior, Port port) {
  auto handle = spawn_on<Handle, State>(x.env->io, behavior, x.env, port);
  x.actors.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
  caf::anon_send(handle, start_work{});
  return handle;
}

pod_fixture::~pod_fixture() {
  for (auto& x : devices)
    stop(*x);
  devices.clear();
  settle();
}

device_ptr pod_fixture::add_device(pod_config config,
                                   const std::vector<std::string>& lines) {
  auto x = std::make_shared<device>();
  devices.push_back(x);
  auto& env = *x->env;
  env.config = std::move(config);
  if (trusting) {
    env.config.trust = trust_mode::open;
    env.config.legacy = true;
  }
  env.serving = std::make_shared<byte_budget>(env.config.max_serving);
  env.sharing = std::make_shared<sharing_gate>();
  env.allowance = std::make_shared<peer_allowance>(env.config.share_rate,
                                                   env.config.own_first);
  env.upward = std::make_shared<peer_allowance>(env.config.share_rate);
  env.via_name = "peapod-" + std::to_string(devices.size());
  env.config.name = "device " + std::to_string(devices.size());
  env.ports.random = [this](std::span<uint8_t> out) {
    for (auto& byte : out)
      byte = static_cast<uint8_t>(random());
  };
  env.ports.log = [log = &x->log](log_level, const std::string& line) {
    log->push_back(line);
  };
  env.self = std::make_shared<identity>(identity::generate(env.ports.random));
  env.live =
      std::make_shared<directory>([log = &x->log](const crash_report& crash) {
        log->push_back(crash.name + " crashed: " + crash.reason);
      });
  env.io = env.workers = spawn_place{&sys, nullptr, env.live};
  x->wan = std::make_shared<line>(net.work, server);
  env.ports.http = x->wan;
  x->targets = std::make_shared<tunnel_targets>(net.work);
  env.ports.tunnels = x->targets;
  env.ports.dialer = std::make_shared<dialer>(net, address_of(*x));
  x->around = std::make_shared<networks>(net.work);
  env.ports.watch_network = [around = x->around] { return around; };
  start<console_actor, console_state>(*x, env.console, console_behavior);
  start<scheduler_actor, scheduler_state>(*x, env.scheduler,
                                          scheduler_behavior);
  start<exits_actor, exits_state>(*x, env.exits, exits_behavior);
  add_lines(*x, lines);
  start_fetcher(*x);
  for (auto& line : env.lines.all())
    if (&line != &env.lines.first())
      start<wan_fetcher_actor, wan_fetcher_state>(
          *x, line.fetcher,
          [&line](wan_fetcher_state::self_pointer self, environment_ptr env) {
            return line_fetcher_behavior(self, std::move(env), &line);
          });
  if (!lines.empty())
    start<line_watcher_actor, line_watcher_state>(*x, env.line_watcher,
                                                  line_watcher_behavior);
  start_crowd(*x, "relay_supervisor", "relayed_tunnel", env.relays);
  start_crowd(*x, "exit_tunnel_supervisor", "exit_tunnel", env.exit_tunnels);
  start_crowd(*x, "session_supervisor", "peer_session", env.sessions);
  start_crowd(*x, "transfer_supervisor", "transfer", env.transfers);
  start_crowd(*x, "proxy_supervisor", "proxy_connection", env.clients);
  settle();
  return x;
}

void pod_fixture::start_fetcher(device& x) {
  start<wan_fetcher_actor, wan_fetcher_state>(x, x.env->lines.first().fetcher,
                                              wan_fetcher_behavior);
}

void pod_fixture::start_roster(device& x) {
  start<roster_actor, roster_state>(x, x.env->roster, roster_behavior);
}

void pod_fixture::go_online(device& x) {
  auto& env = *x.env;
  start_roster(x);
  endpoint at{address_of(x), env.config.transport_port};
  x.peers = std::make_shared<listener<byte_stream>>(net.work, at);
  net.listeners[at] = x.peers;
  start_port<peer_acceptor_actor, peer_acceptor_state>(
      x, peer_acceptor_behavior, x.peers);
  x.proxy = std::make_shared<listener<http_server_stream>>(
      net.work, endpoint{"127.0.0.1", 3128});
  env.proxy.set(start_port<proxy_acceptor_actor, proxy_acceptor_state>(
      x, proxy_acceptor_behavior, x.proxy));
  x.group = std::make_shared<radio>(net, address_of(x));
  env.discovery.set(
      start_port<discovery_listener_actor, discovery_listener_state>(
          x, discovery_listener_behavior, x.group));
  tell(caf::actor_cast<caf::strong_actor_ptr>(env.roster.get()), start_work{});
  settle();
}

std::shared_ptr<browser> pod_fixture::connect(device& x) {
  auto out = std::make_shared<browser>(net.work);
  if (x.proxy) {
    x.proxy->arrive(out);
  } else {
    auto handle = spawn_on<proxy_connection_actor, proxy_connection_state>(
        x.env->io, proxy_connection_behavior, x.env, out);
    x.actors.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
  }
  settle();
  return out;
}

std::string pod_fixture::address_of(const device& x) const {
  auto i = std::find_if(devices.begin(), devices.end(),
                        [&](auto& y) { return y.get() == &x; });
  return "192.0.2." + std::to_string(1 + (i - devices.begin()));
}

void pod_fixture::settle() {
  do
    consume_messages();
  while (net.work->run() || sched.has_job());
}

void pod_fixture::pass(duration time, duration step) {
  for (; time > 0ms; time -= step) {
    advance_time(step);
    settle();
    for (auto& x : devices) {
      x->wan->step(step);
      for (auto& line : x->lines)
        line->step(step);
    }
    for (auto& f : each_step)
      f();
    settle();
  }
}

pod_status pod_fixture::status(device& x) {
  return ask<pod_status>(x.env->console.get(), get_status{});
}

uint64_t pod_fixture::children(const supervisor_actor& x) {
  return ask<uint64_t>(x, count_children{});
}

void pod_fixture::stop(device& x) {
  for (auto i = x.actors.rbegin(); i != x.actors.rend(); ++i)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(*i),
                        caf::exit_reason::user_shutdown);
  settle();
  x.actors.clear();
  x.env->forget_actors();
}

void pod_fixture::add_lines(device& x, const std::vector<std::string>& names) {
  std::vector<line_port> ports;
  for (auto& name : names) {
    x.lines.push_back(std::make_shared<line>(net.work, server));
    x.probes.push_back(std::make_shared<probe>());
    ports.push_back({name, x.lines.back(), x.probes.back()});
  }
  x.env->lines.use(ports, x.env->self->device());
}

void pod_fixture::start_crowd(device& x, std::string name, std::string child,
                              current<supervisor_actor>& slot) {
  supervisor_spec spec;
  spec.name = std::move(name);
  spec.strategy = restart_strategy::simple_one_for_one;
  spec.children.push_back({child, restart_type::temporary, nullptr});
  auto handle = spawn_supervisor(x.env->workers, std::move(spec));
  slot.set(handle);
  x.actors.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
}

} // namespace peapod::fakes
