#include "actors/proxy_connection_tunnels.hpp"

#include "actors/relayed_tunnel.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using connection_pointer = proxy_connection_state::self_pointer;

/// How long the choice of a line may take.
constexpr auto exit_wait = 1s;

/// Over this device's own line; `line`: the only one of several that will do,
/// or empty.
void open_own_tunnel(connection_pointer self, std::string line = {}) {
  auto& st = self->state;
  if (st.wish) {
    st.wish->tried.push_back(st.env->self->device());
    count_on_own_line(self);
  }
  auto& target = st.request.target;
  auto over = own_line_for(st);
  over.line = std::move(line);
  st.client->tunnel(
      host_port{target.host, target.port}, std::move(over),
      // An open tunnel does not need what the request said.
      [tunnel = st.tunnel] { *tunnel = {.open = true, .fields = {}}; },
      send_back(self, [step = st.step](result<relay_totals> outcome) {
        return relay_ended{step, std::move(outcome)};
      }));
}

void relay_tunnel(connection_pointer self, const exit_chosen& exit,
                  bool wanted) {
  auto& st = self->state;
  st.wish->tried.push_back(exit.line);
  relayed_tunnel_start start;
  start.wish = *st.wish;
  start.line = exit.line;
  start.session = exit.session;
  start.client = st.client;
  start.connection = caf::actor_cast<proxy_connection_actor>(self);
  start.step = st.step;
  start.shared = st.tunnel;
  start.wanted = wanted;
  start.patience = exit.patience;
  if (start_relayed_tunnel(st.env, std::move(start)))
    return;
  if (wanted)
    answer(self, make_error(errc::unreachable, "this device stops"));
  else
    open_own_tunnel(self);
}

/// Asks which line to use; `wanted`: the only one that the client takes.
void ask_for_exit(connection_pointer self, std::optional<device_id> wanted) {
  ask_exits(self, wanted, [self, wanted](const exit_chosen& x) {
    if (x.session)
      relay_tunnel(self, x, wanted.has_value());
    else if (wanted)
      answer(self, make_error(errc::unreachable, "no connected peer "
                                                     + to_string(*wanted)
                                                     + " opens tunnels"));
    else if (auto why = std::exchange(self->state.own_failure, nullptr))
      answer(self, *why); // and no peer is there to try
    else
      open_own_tunnel(self);
  });
}

/// The line that a client wants.
struct wanted_line {
  std::optional<device_id> device; ///< nothing: any
  std::string own;                 ///< which one of several own ones, or empty
};

bool has_line(environment& env, const std::string& name) {
  return std::ranges::any_of(env.lines.all(),
                             [&](auto& x) { return x.port.name == name; });
}

/// By `PeaPod-Exit`: `own`, `own/` and a line's name, or a device's id. Errors:
/// `bad_http`.
result<wanted_line> wanted_exit(environment& env, const http_fields& fields) {
  constexpr std::string_view one_of_own = "own/";
  auto text = fields.find("PeaPod-Exit");
  if (!text)
    return wanted_line{};
  if (*text == "own")
    return wanted_line{env.self->device(), {}};
  if (text->starts_with(one_of_own)) {
    std::string name{text->substr(one_of_own.size())};
    if (name.empty() || !has_line(env, name))
      return make_error(errc::bad_http,
                        "400 PeaPod-Exit names no line of this device");
    return wanted_line{env.self->device(), std::move(name)};
  }
  auto bytes = from_hex(*text);
  if (bytes.size() != device_id::size)
    return make_error(errc::bad_http,
                      "400 PeaPod-Exit is neither `own` nor a device's id");
  return wanted_line{device_id::from(bytes), {}};
}

/// Whether a peer may do better than the own line, which has failed like this.
bool may_be_ours_alone(const error& why) {
  switch (why.code) {
    case errc::dns_unanswered:
    case errc::unreachable:
    case errc::connect_timed_out:
      return true;
    default:
      return false;
  }
}

} // namespace

void ask_exits(connection_pointer self, std::optional<device_id> wanted,
               std::function<void(const exit_chosen&)> done) {
  auto& st = self->state;
  auto on_chosen = [self, step = st.step, done](exit_chosen& x) {
    if (step == self->state.step)
      done(x);
  };
  // Nobody waits for an actor that restarts.
  auto on_error = [self, wanted, on_chosen](const caf::error&) {
    exit_chosen none;
    none.line = wanted.value_or(self->state.env->self->device());
    on_chosen(none);
  };
  auto exits = st.env->exits.get();
  if (!exits)
    return on_error({});
  self->request(exits, exit_wait, choose_exit{*st.wish, wanted})
      .then(on_chosen, on_error);
}

line_wish own_line_for(const proxy_connection_state& st) {
  if (st.env->config.tunnels.mode == tunnel_mode::spread)
    return {};
  return {st.client->remote().address, {}};
}

void count_on_own_line(connection_pointer self) {
  auto& st = self->state;
  if (st.own_tunnel == 0)
    st.own_tunnel = st.env->next_tunnel++;
  st.env->exits.tell(tunnel_begun{st.own_tunnel, st.env->self->device()});
}

bool may_use_peers(const environment& env) {
  return env.exits.get() && env.exits_standing > 0;
}

void open_tunnel(connection_pointer self) {
  auto& st = self->state;
  auto& env = *st.env;
  ++env.counters.tunnels;
  if (env.counters.open_tunnels >= env.config.max_tunnels) {
    answer(self, make_error(errc::limit_reached,
                            "there are as many tunnels as [proxy] max-tunnels "
                            "allows"));
    return;
  }
  auto wanted = wanted_exit(env, st.request.fields);
  if (!wanted) {
    answer(self, wanted.error());
    return;
  }
  ++env.counters.open_tunnels;
  st.in_tunnel = true;
  st.ending = true;
  st.tunnel = std::make_shared<open_tunnel_state>();
  st.tunnel->fields = std::exchange(st.request.fields, {});
  auto& device = wanted->device;
  bool own = device == env.self->device();
  if (own || (!device && !may_use_peers(env)))
    return open_own_tunnel(self, std::move(wanted->own));
  st.wish = std::make_unique<tunnel_wish>(
      tunnel_wish{st.client->remote().address,
                  {st.request.target.host, st.request.target.port},
                  {},
                  {},
                  false});
  ask_for_exit(self, device);
}

void go_home(connection_pointer self, relay_bounced& msg) {
  auto& st = self->state;
  st.env->log(log_level::debug, "tunnel to " + st.request.target.authority()
                                    + " goes home: " + to_string(msg.why));
  if (!msg.accepted)
    return open_own_tunnel(self);
  auto& target = st.request.target;
  st.client->resume_tunnel(
      host_port{target.host, target.port}, own_line_for(st),
      std::move(msg.first),
      send_back(self, [step = st.step](result<relay_totals> outcome) {
        return relay_ended{step, std::move(outcome)};
      }));
}

void conclude_tunnel(connection_pointer self,
                     const result<relay_totals>& outcome) {
  auto& st = self->state;
  auto name = [&st] { return "tunnel to " + st.request.target.authority(); };
  if (outcome) {
    if (st.env->logs(log_level::debug))
      st.env->log(log_level::debug,
                  name() + " has ended: " + std::to_string(outcome->to_origin)
                      + " bytes out, " + std::to_string(outcome->to_client)
                      + " in");
    end_connection(self, false);
    return;
  }
  auto words = to_string(outcome.error());
  if (!st.tunnel->open && st.wish && st.wish->tried.size() == 1
      && st.wish->tried.front() == st.env->self->device()
      && may_be_ours_alone(outcome.error())) {
    st.env->log(log_level::debug, name() + " is tried through peers: " + words);
    st.own_failure = std::make_unique<error>(outcome.error());
    ask_for_exit(self, std::nullopt);
    return;
  }
  if (st.tunnel->open) {
    st.env->log(log_level::debug, name() + " was cut off: " + words);
    end_connection(self, true);
    return;
  }
  st.env->log(log_level::debug, name() + " cannot be opened: " + words);
  st.request.fields = std::move(st.tunnel->fields);
  answer(self, outcome.error());
}

} // namespace peapod
