#include "actors/exit_tunnel.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

exit_tunnel_state::~exit_tunnel_state() {
  if (!env)
    return;
  --env->counters.exit_tunnels;
  if (over)
    return;
  // A crash: the peer must not wait.
  flow.reset();
  flow.abandon(wire2::tunnel_end::reset, "interrupted");
}

namespace {

using namespace std::chrono_literals;
using tunnel_pointer = exit_tunnel_state::self_pointer;

constexpr auto dial_timeout = 10s;

/// As long as our own proxy gives a tunnel.
constexpr duration idle_limit = 10min;
constexpr duration total_limit = 24h;

constexpr auto look_interval = 30s;

/// So much is taken from the quota at a time.
constexpr uint64_t pass_size = 1_MiB;

/// Which wait is over.
enum wait : uint64_t { look = 1, allowance = 2, upward = 3 };

void end(tunnel_pointer self, wire2::tunnel_end how, std::string why) {
  auto& st = self->state;
  if (std::exchange(st.over, true))
    return;
  st.flow.reset();
  st.flow.abandon(how, std::move(why));
  self->quit();
}

void end_well(tunnel_pointer self) {
  auto& st = self->state;
  st.over = true;
  st.flow.close();
  self->quit();
}

// -- what it costs ------------------------------------------------------------

/// Takes bytes from the quota; false: it is used up, and the tunnel has ended.
bool spend(tunnel_pointer self, uint64_t bytes) {
  auto& st = self->state;
  st.moved = now_of(self);
  st.env->counters.served_bytes += bytes;
  while (bytes > 0) {
    if (st.left == 0) {
      url target;
      target.scheme = "https";
      target.host = st.start.target.host;
      target.port = st.start.target.port;
      target.target = "/";
      auto answer = st.env->sharing->ask(st.start.peer, target, pass_size);
      if (!answer.pass) {
        end(self, wire2::tunnel_end::policy_refused, answer.text());
        return false;
      }
      st.pass = std::move(answer.pass);
      st.left = pass_size;
    }
    auto part = std::min(bytes, st.left);
    st.pass->count(part);
    st.left -= part;
    bytes -= part;
  }
  return true;
}

/// Reads on as soon as own use and the share's rate let it.
void read_on(tunnel_pointer self) {
  auto& st = self->state;
  if (st.waiting || st.over)
    return;
  auto wait = st.env->allowance->wait(st.place, now_of(self));
  if (wait > duration::zero()) {
    st.waiting = true;
    self->delayed_send(self, wait, tick{allowance});
    return;
  }
  st.flow.read_on(self);
}

// -- the connection -----------------------------------------------------------

void on_start(tunnel_pointer self) {
  auto& st = self->state;
  if (!st.env->ports.tunnels) {
    end(self, wire2::tunnel_end::policy_refused, "this device opens none");
    return;
  }
  // It watches own use while peers are served.
  st.env->lines.first().fetcher.tell(tick{1});
  st.env->ports.tunnels->dial(
      st.start.target, {to_string(st.start.peer), {}}, dial_timeout,
      send_back(self, [](result<std::shared_ptr<tunnel_stream>> x) {
        return stream_opened{std::move(x)};
      }));
  self->delayed_send(self, look_interval, tick{look});
}

void on_dialled(tunnel_pointer self, stream_opened& msg) {
  auto& st = self->state;
  if (st.over)
    return;
  if (!msg.outcome) {
    auto why = msg.outcome.error();
    st.env->log(log_level::debug,
                "a tunnel for a peer cannot be opened: " + to_string(why)
                    + " peer=" + to_string(st.start.peer));
    // The words may name addresses that are none of the peer's business.
    end(self,
        why.code == errc::policy_refused || why.code == errc::loop_detected
            ? wire2::tunnel_end::policy_refused
            : wire2::tunnel_end::unreachable,
        std::string{to_string(why.code)});
    return;
  }
  st.flow.connect(std::move(*msg.outcome));
  st.place = st.env->allowance->place();
  tell(st.start.session,
       relay_opened{st.flow.tunnel(),
                    caf::actor_cast<caf::strong_actor_ptr>(self)});
  read_on(self);
}

void on_read(tunnel_pointer self, const stream_read& msg) {
  auto& st = self->state;
  if (st.over)
    return;
  auto bytes = st.flow.take(msg);
  if (st.flow.is_broken()) {
    end(self, wire2::tunnel_end::reset, "the connection broke");
    return;
  }
  if (bytes) {
    auto size = bytes->size();
    auto& limit = *st.env->allowance;
    limit.arrived(size);
    limit.took(size, now_of(self));
    st.place = limit.place();
    if (!spend(self, size))
      return;
    st.flow.pass_on(std::move(*bytes));
  } else {
    st.flow.send_held();
  }
  if (st.flow.is_done())
    end_well(self);
  else
    read_on(self);
}

/// Writes what the peer has sent as far as the share's rate lets it; the peer
/// gets no credit for the rest.
void write_on(tunnel_pointer self) {
  auto& st = self->state;
  auto& limit = *st.env->upward;
  while (!st.over && !st.held_back.empty()) {
    if (st.may_write == 0) {
      auto wait = limit.wait(limit.place(), now_of(self));
      if (wait > duration::zero()) {
        st.writing_waits = true;
        self->delayed_send(self, wait, tick{upward});
        return;
      }
      st.may_write = limit.piece();
    }
    auto bytes = std::move(st.held_back.front());
    st.held_back.pop_front();
    st.may_write -= std::min(st.may_write, bytes.size());
    limit.took(bytes.size(), now_of(self));
    if (spend(self, bytes.size()))
      st.flow.write(self, std::move(bytes));
  }
  if (!st.over && st.peer_is_done)
    st.flow.end_writing();
}

void on_relay_bytes(tunnel_pointer self, relay_bytes& msg) {
  auto& st = self->state;
  if (st.over || !st.flow.is_connected())
    return;
  st.held_back.push_back(std::move(msg.bytes));
  if (!st.writing_waits)
    write_on(self);
}

void on_written(tunnel_pointer self, const stream_written& msg) {
  auto& st = self->state;
  if (st.over)
    return;
  st.flow.take(msg);
  if (st.flow.is_broken())
    end(self, wire2::tunnel_end::reset, "the connection broke");
  else if (st.flow.is_done())
    end_well(self);
}

void on_relay_closed(tunnel_pointer self, const relay_closed& msg) {
  auto& st = self->state;
  if (st.over)
    return;
  if (msg.how != wire2::tunnel_end::finished) {
    // Nobody is there to be told.
    st.over = true;
    st.flow.reset();
    self->quit();
    return;
  }
  st.peer_is_done = true;
  if (st.held_back.empty())
    st.flow.end_writing();
  if (st.flow.is_done())
    end_well(self);
}

void on_tick(tunnel_pointer self, const tick& msg) {
  auto& st = self->state;
  if (msg.generation == allowance) {
    st.waiting = false;
    read_on(self);
    return;
  }
  if (msg.generation == upward) {
    st.writing_waits = false;
    write_on(self);
    if (!st.over && st.flow.is_done())
      end_well(self);
    return;
  }
  auto now = now_of(self);
  if (now - st.moved >= idle_limit)
    end(self, wire2::tunnel_end::reset, "it was quiet for too long");
  else if (now - st.begun >= total_limit)
    end(self, wire2::tunnel_end::reset, "it was open for too long");
  else
    self->delayed_send(self, look_interval, tick{look});
}

} // namespace

relay_end_actor::behavior_type exit_tunnel_behavior(tunnel_pointer self,
                                                    environment_ptr env,
                                                    exit_tunnel_start start) {
  auto& st = self->state;
  st.env = std::move(env);
  st.start = std::move(start);
  st.flow = relay_flow{st.start.tunnel, st.start.session};
  st.begun = st.moved = now_of(self);
  ++st.env->counters.exit_tunnels;
  // Without its session nobody is there to be relayed to.
  self->monitor(caf::actor_cast<caf::actor>(st.start.session));
  self->set_down_handler([self](caf::down_msg&) {
    end(self, wire2::tunnel_end::reset, "the session has ended");
  });
  self->set_exit_handler([self](caf::exit_msg& x) {
    end(self, wire2::tunnel_end::reset, "this device stops it");
    self->quit(x.reason);
  });
  return {
      [self](start_work) { on_start(self); },
      [](const relay_opened&) {},
      [self](relay_bytes& msg) { on_relay_bytes(self, msg); },
      [self](const relay_credit& msg) {
        auto& st = self->state;
        if (st.over)
          return;
        st.flow.take(msg);
        if (st.flow.is_done())
          end_well(self);
        else
          read_on(self);
      },
      [self](const relay_closed& msg) { on_relay_closed(self, msg); },
      [self](stream_opened& msg) { on_dialled(self, msg); },
      [self](const stream_read& msg) { on_read(self, msg); },
      [self](const stream_written& msg) { on_written(self, msg); },
      [self](const tick& msg) { on_tick(self, msg); },
  };
}

bool start_exit_tunnel(const environment_ptr& env, exit_tunnel_start start) {
  auto supervisor = env->exit_tunnels.get();
  if (!supervisor)
    return false;
  child_spec spec;
  spec.start = [env, start = std::move(start)](caf::actor_system&) {
    auto handle = spawn_on<relay_end_actor, exit_tunnel_state>(
        env->io, exit_tunnel_behavior, env, start);
    tell(handle, start_work{});
    return caf::actor_cast<caf::strong_actor_ptr>(handle);
  };
  tell(supervisor, start_child{std::move(spec)});
  return true;
}

} // namespace peapod
