#include "actors/pod.hpp"

#include "actors/acceptors.hpp"
#include "actors/console.hpp"
#include "actors/discovery_listener.hpp"
#include "actors/exits.hpp"
#include "actors/line_watcher.hpp"
#include "actors/peer_session.hpp"
#include "actors/proxy_connection.hpp"
#include "actors/roster.hpp"
#include "actors/scheduler.hpp"
#include "actors/sharing.hpp"
#include "actors/supervisor.hpp"
#include "actors/wan_fetcher.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// A child that is one actor and is known by its handle in the environment.
template <class Handle, class State, class Behavior>
child_spec worker(std::string name, current<Handle>& slot,
                  const spawn_place& place, Behavior behavior,
                  environment_ptr env, bool starts_work = false) {
  child_spec out;
  out.name = std::move(name);
  out.start = [&slot, &place, behavior, env, starts_work](caf::actor_system&) {
    auto handle = spawn_on<Handle, State>(place, behavior, env);
    slot.set(handle);
    auto out = caf::actor_cast<caf::strong_actor_ptr>(handle);
    if (starts_work)
      tell(out, start_work{});
    return out;
  };
  return out;
}

/// A child that owns a port which is opened anew each time it starts.
template <class Handle, class State, class Open, class Behavior>
child_spec port_owner(std::string name, Open open, Behavior behavior,
                      environment_ptr env, current<Handle>* slot = nullptr) {
  child_spec out;
  out.name = name;
  out.start = [=](caf::actor_system&) -> caf::strong_actor_ptr {
    auto port = open();
    if (!port) {
      env->log(log_level::error, name + ": " + to_string(port.error()));
      return nullptr;
    }
    auto handle = spawn_on<Handle, State>(env->io, behavior, env, *port);
    if (slot)
      slot->set(handle);
    auto out = caf::actor_cast<caf::strong_actor_ptr>(handle);
    tell(out, start_work{});
    return out;
  };
  return out;
}

/// What all supervisors have in common.
supervisor_spec rules(const environment_ptr& env) {
  supervisor_spec out;
  out.intensity = env->config.restart_intensity;
  return out;
}

/// A supervisor of children that come and go by themselves. Where they do so
/// often it runs beside them: what it is told then wakes no other thread.
child_spec crowd(const spawn_place& place, const environment_ptr& env,
                 std::string name, std::string child,
                 current<supervisor_actor>& slot) {
  auto spec = rules(env);
  spec.name = std::move(name);
  spec.strategy = restart_strategy::simple_one_for_one;
  spec.children.push_back({std::move(child), restart_type::temporary, nullptr});
  return supervisor_child(place, std::move(spec),
                          [&slot](const supervisor_actor& x) { slot.set(x); });
}

/// Each by itself, so that its failure restarts nothing else: who uses one
/// finds its successor.
child_spec scheduling_tree(const environment_ptr& env) {
  auto spec = rules(env);
  spec.name = "scheduling_supervisor";
  spec.strategy = restart_strategy::one_for_one;
  spec.children.push_back(worker<scheduler_actor, scheduler_state>(
      "scheduler", env->scheduler, env->workers, scheduler_behavior, env,
      true));
  spec.children.push_back(worker<exits_actor, exits_state>(
      "exits", env->exits, env->io, exits_behavior, env));
  return supervisor_child(env->workers, std::move(spec), nullptr);
}

child_spec wan_tree(const environment_ptr& env) {
  auto spec = rules(env);
  spec.name = "wan_supervisor";
  spec.strategy = restart_strategy::one_for_one;
  for (auto& line : env->lines.all()) {
    auto behavior = [&line](wan_fetcher_state::self_pointer self,
                            environment_ptr env) {
      return line_fetcher_behavior(self, std::move(env), &line);
    };
    spec.children.push_back(worker<wan_fetcher_actor, wan_fetcher_state>(
        "wan_fetcher", line.fetcher, env->io, behavior, env));
  }
  auto has_probe = [](const wan_line& x) { return x.port.probe != nullptr; };
  if (std::ranges::any_of(env->lines.all(), has_probe))
    spec.children.push_back(worker<line_watcher_actor, line_watcher_state>(
        "line_watcher", env->line_watcher, env->io, line_watcher_behavior, env,
        true));
  return supervisor_child(
      env->workers, std::move(spec),
      [env](const supervisor_actor& x) { env->own_line.set(x); });
}

child_spec mesh_tree(const environment_ptr& env) {
  auto spec = rules(env);
  spec.name = "mesh_supervisor";
  spec.strategy = restart_strategy::rest_for_one;
  spec.children.push_back(worker<roster_actor, roster_state>(
      "roster", env->roster, env->io, roster_behavior, env, true));
  // After the roster: a new roster knows no sessions, so they end with it.
  spec.children.push_back(crowd(env->workers, env, "session_supervisor",
                                "peer_session", env->sessions));
  spec.children.push_back(crowd(env->io, env, "exit_tunnel_supervisor",
                                "exit_tunnel", env->exit_tunnels));
  spec.children.push_back(port_owner<peer_acceptor_actor, peer_acceptor_state>(
      "peer_acceptor", env->ports.listen_peers, peer_acceptor_behavior, env));
  if (env->config.discovery)
    spec.children.push_back(
        port_owner<discovery_listener_actor, discovery_listener_state>(
            "discovery_listener", env->ports.open_discovery,
            discovery_listener_behavior, env, &env->discovery));
  return supervisor_child(env->workers, std::move(spec), nullptr);
}

child_spec gateway_tree(const environment_ptr& env) {
  auto spec = rules(env);
  spec.name = "gateway_supervisor";
  spec.strategy = restart_strategy::rest_for_one;
  spec.children.push_back(crowd(env->workers, env, "transfer_supervisor",
                                "transfer", env->transfers));
  spec.children.push_back(
      crowd(env->io, env, "relay_supervisor", "relayed_tunnel", env->relays));
  spec.children.push_back(crowd(env->io, env, "proxy_supervisor",
                                "proxy_connection", env->clients));
  spec.children.push_back(
      port_owner<proxy_acceptor_actor, proxy_acceptor_state>(
          "proxy_acceptor", env->ports.listen_proxy, proxy_acceptor_behavior,
          env, &env->proxy));
  return supervisor_child(env->workers, std::move(spec), nullptr);
}

supervisor_spec root_tree(const environment_ptr& env) {
  auto out = rules(env);
  out.name = "root_supervisor";
  out.strategy = restart_strategy::rest_for_one;
  // Longer than below: whoever gives up every few seconds has to count here.
  out.period = 60s;
  out.children.push_back(scheduling_tree(env));
  out.children.push_back(wan_tree(env));
  // Before the mesh: a port for peers that cannot be opened costs no client.
  out.children.push_back(gateway_tree(env));
  out.children.push_back(mesh_tree(env));
  // Last, so that its failure restarts nothing else; who reports to it looks
  // up its current handle.
  out.children.push_back(worker<console_actor, console_state>(
      "console", env->console, env->workers, console_behavior, env));
  return out;
}

} // namespace

pod::pod(caf::actor_system& system, caf::execution_unit* io_unit,
         pod_config config, pod_ports ports,
         std::shared_ptr<const identity> self)
  : env_(std::make_shared<environment>()) {
  env_->config = std::move(config);
  env_->ports = std::move(ports);
  env_->self = std::move(self);
  env_->lines.use(env_->ports.lines, env_->self->device());
  env_->serving = std::make_shared<byte_budget>(env_->config.max_serving);
  env_->sharing = std::make_shared<sharing_gate>();
  env_->allowance = std::make_shared<peer_allowance>(env_->config.share_rate,
                                                     env_->config.own_first);
  env_->upward = std::make_shared<peer_allowance>(env_->config.share_rate);
  std::array<uint8_t, 6> name{};
  env_->ports.random(name);
  env_->via_name = "peapod-" + to_hex(name);
  env_->live = std::make_shared<directory>([log = env_->ports.log](
                                               const crash_report& x) {
    if (log)
      log(log_level::error, x.name + " crashed: " + x.reason
                                + " actor=" + std::to_string(x.id)
                                + (x.about.empty() ? "" : " about=") + x.about);
  });
  env_->io = spawn_place{&system, io_unit, env_->live};
  env_->workers = spawn_place{&system, nullptr, env_->live};
}

void pod::start(std::function<void(std::string)> given_up) {
  root_ = spawn_supervisor(env_->workers, root_tree(env_));
  env_->live->adopt(root_->id(),
                    {"root_supervisor", std::nullopt, restart_type::permanent,
                     restart_strategy::rest_for_one, 0});
  root_->attach_functor([given_up](const caf::error& why) {
    if (given_up && why && why != caf::exit_reason::user_shutdown)
      given_up(reason_text(why));
  });
}

void pod::io_failed(const std::string& what) {
  env_->log(log_level::error, "the thread of the sockets threw: " + what);
  // The first of the supervisors whose actors use sockets: the root restarts
  // what comes after it.
  env_->own_line.tell(
      caf::exit_msg{{}, caf::make_error(caf::sec::runtime_error, what)});
}

void pod::status(std::function<void(result<pod_status>)> done) {
  auto console = env_->console.get();
  if (!console) {
    done(make_error(errc::cancelled, "the pod is stopping"));
    return;
  }
  env_->workers.system->spawn([console, done = std::move(done)](
                                  caf::event_based_actor* self) {
    self->request(console, 2s, get_status{})
        .then([done](pod_status& x) { done(std::move(x)); },
              [done](caf::error&) {
                done(make_error(errc::timed_out, "the pod does not answer"));
              });
  });
}

void pod::change_trust(std::string who, bool trusted,
                       std::vector<std::string> code,
                       std::function<void(result<peer_status>)> done) {
  auto roster = env_->roster.get();
  if (!roster) {
    done(make_error(errc::cancelled, "the pod is stopping"));
    return;
  }
  env_->workers.system->spawn(
      [roster,
       msg = peapod::change_trust{std::move(who), trusted, std::move(code)},
       done = std::move(done)](caf::event_based_actor* self) {
        self->request(roster, 5s, msg)
            .then([done](trust_change& x) { done(std::move(x.outcome)); },
                  [done](caf::error&) {
                    done(
                        make_error(errc::timed_out, "the pod does not answer"));
                  });
      });
}

void pod::stop(duration drain) {
  using std::chrono::steady_clock;
  auto until = steady_clock::now() + drain;
  while (env_->counters.busy > 0 && steady_clock::now() < until)
    std::this_thread::sleep_for(20ms);
  env_->roster.tell(leave_pod{});
  caf::scoped_actor self{*env_->workers.system};
  if (root_) {
    self->send_exit(root_, caf::exit_reason::user_shutdown);
    self->wait_for(root_);
  }
  root_ = supervisor_actor{};
  env_->forget_actors();
}

} // namespace peapod
