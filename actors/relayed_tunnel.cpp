#include "actors/relayed_tunnel.hpp"

#include "core/tls_record.hpp"

#include <chrono>
#include <utility>

namespace peapod {

relayed_tunnel_state::~relayed_tunnel_state() {
  if (!env)
    return;
  env->exits.tell(tunnel_over{flow.tunnel()});
  if (now == phase::over)
    return;
  // A crash: what is incomplete must not look complete.
  flow.reset();
  flow.abandon(wire2::tunnel_end::reset, "interrupted");
}

namespace {

using namespace std::chrono_literals;
using tunnel_pointer = relayed_tunnel_state::self_pointer;
using phase = relayed_tunnel_state::phase;

/// How long the exit may take to connect when the client wants this line and no
/// other.
constexpr auto patient_wait = 15s;

/// How long the site may take to answer to a client's hello.
constexpr auto answer_wait = 4s;

/// A client that has said more than this before the site has answered is not
/// moved to another line.
constexpr size_t max_kept = 64_KiB;

/// An answer that is no longer may be a refusal: an alert, encrypted or not.
constexpr size_t max_refusal = 64;

constexpr auto report_interval = 250ms;

/// Which wait is over.
enum wait : uint64_t { opening_wait = 1, answering_wait = 2, quiet_wait = 3 };

error through_peer(const relayed_tunnel_state& st, errc code,
                   const std::string& why) {
  return make_error(code, "through the peer " + to_string(st.start.line) + ": "
                              + (why.empty() ? "no reason given" : why));
}

// -- the end ------------------------------------------------------------------

void report_failure(const relayed_tunnel_state& st, tunnel_failure why) {
  if (!st.start.wanted)
    st.env->exits.tell(tunnel_failed{st.start.wish, st.start.line, why});
}

/// The tunnel has ended; its client's actor goes on or ends.
void end(tunnel_pointer self, result<relay_totals> outcome) {
  auto& st = self->state;
  if (std::exchange(st.now, phase::over) == phase::over)
    return;
  if (outcome)
    st.flow.close();
  else
    st.flow.reset();
  tell(st.start.connection, relay_ended{st.start.step, std::move(outcome)});
  self->quit();
}

/// Hands the client's connection back: the tunnel goes on over another line.
void hand_back(tunnel_pointer self, bool accepted) {
  auto& st = self->state;
  st.now = phase::over;
  ++st.env->counters.bounced;
  // The client's connection goes on.
  st.flow.release();
  tell(st.start.connection,
       relay_bounced{st.start.step, accepted, slice{std::move(st.kept)},
                     std::move(st.why)});
  self->quit();
}

/// The same once the last read has ended: it may bring something.
void bounce(tunnel_pointer self, error why) {
  auto& st = self->state;
  st.why = std::move(why);
  bool accepted = st.flow.is_connected();
  st.unsaid = std::exchange(st.now, phase::leaving) == phase::undecided;
  if (!st.flow.stop_reading())
    hand_back(self, accepted);
}

/// It cannot go on through the peer: elsewhere, if the client need not know.
void give_up(tunnel_pointer self, const error& why, tunnel_failure kind) {
  auto& st = self->state;
  bool silent = st.now == phase::opening || st.now == phase::undecided
                || (st.now == phase::greeting && st.can_replay);
  if (silent)
    report_failure(st, kind);
  if (silent && !st.start.wanted)
    bounce(self, why);
  else
    end(self, why);
}

void abandon(tunnel_pointer self, const error& why, tunnel_failure kind) {
  self->state.flow.abandon(wire2::tunnel_end::reset, "not wanted any more");
  give_up(self, why, kind);
}

/// Keeps what the client says as long as it may have to be said again.
void keep(relayed_tunnel_state& st, const slice& bytes) {
  auto all = bytes.bytes();
  if (all.size() > max_kept - st.kept.size()) {
    st.can_replay = false;
    st.kept = {};
    return;
  }
  st.kept.insert(st.kept.end(), all.begin(), all.end());
}

/// The last read of a tunnel that leaves has ended.
void on_last_read(tunnel_pointer self, const stream_read& msg) {
  auto& st = self->state;
  auto bytes = st.flow.take(msg);
  if (bytes) {
    st.can_replay = true;
    keep(st, *bytes);
    if (!st.can_replay || (!st.unsaid && !may_be_replayed(st.kept)))
      return end(self, std::move(st.why));
  } else if (msg.outcome.error().code != errc::cancelled) {
    return end(self, msg.outcome.error());
  }
  hand_back(self, true);
}

// -- opening ------------------------------------------------------------------

void on_start(tunnel_pointer self) {
  auto& st = self->state;
  st.env->exits.tell(tunnel_begun{st.flow.tunnel(), st.start.line});
  tell(st.start.session,
       open_relay{st.flow.tunnel(), st.start.wish.target,
                  caf::actor_cast<caf::strong_actor_ptr>(self)});
  st.begun = st.moved = now_of(self);
  self->delayed_send(
      self, st.start.wanted ? duration{patient_wait} : st.start.patience,
      tick{opening_wait});
}

/// Looks again when it may have been quiet, or open, for too long.
void watch_over(tunnel_pointer self) {
  auto& st = self->state;
  auto& config = st.env->config;
  auto now = now_of(self);
  auto until =
      std::min(st.moved + config.tunnel_idle, st.begun + config.tunnel_total);
  if (now < until) {
    self->delayed_send(self, until - now, tick{quiet_wait});
    return;
  }
  st.flow.abandon(wire2::tunnel_end::reset, "not wanted any more");
  end(self, make_error(errc::timed_out, now - st.moved >= config.tunnel_idle
                                            ? "quiet for too long"
                                            : "open for too long"));
}

void on_relay_opened(tunnel_pointer self) {
  auto& st = self->state;
  if (st.now != phase::opening)
    return;
  st.now = phase::accepting;
  st.env->exits.tell(exit_answered{st.start.line, now_of(self) - st.begun});
  st.start.client->accept_tunnel(
      send_back(self, [](result<std::shared_ptr<tunnel_stream>> x) {
        return stream_opened{std::move(x)};
      }));
}

// -- bytes --------------------------------------------------------------------

void report(tunnel_pointer self, uint64_t bytes) {
  auto& st = self->state;
  auto now = now_of(self);
  st.moved = now;
  st.env->counters.relayed_bytes += bytes;
  st.unreported += bytes;
  if (now - st.reported < report_interval)
    return;
  st.reported = now;
  st.env->exits.tell(
      tunnel_moved{st.flow.tunnel(), std::exchange(st.unreported, 0)});
}

/// Only TLS leaves through a peer, which could read anything else, unless the
/// user lets it.
void decide(tunnel_pointer self) {
  auto& st = self->state;
  auto what = opening_of(st.kept);
  if (what == opening::other && st.env->config.tunnels.plain) {
    st.now = phase::open;
    report(self, st.kept.size());
    st.flow.pass_on(slice{std::exchange(st.kept, {})});
  } else if (what == opening::other) {
    st.flow.abandon(wire2::tunnel_end::reset, "not wanted any more");
    bounce(self, through_peer(st, errc::not_allowed, "not TLS"));
    return;
  }
  if (what == opening::hello) {
    st.now = phase::greeting;
    st.can_replay = may_be_replayed(st.kept);
    st.flow.pass_on(slice{st.kept});
    self->delayed_send(self, answer_wait, tick{answering_wait});
  }
  st.flow.read_on(self);
}

void on_client_read(tunnel_pointer self, const stream_read& msg) {
  auto& st = self->state;
  if (st.now == phase::leaving)
    return on_last_read(self, msg);
  if (st.now == phase::over)
    return;
  auto bytes = st.flow.take(msg);
  if (st.flow.is_broken()) {
    st.flow.abandon(wire2::tunnel_end::reset, "the client has gone");
    end(self, msg.outcome.error());
    return;
  }
  if (!bytes) {
    // A client that goes before it has said anything wants nothing.
    st.can_replay = false;
    st.flow.send_held();
    if (st.now == phase::undecided)
      st.now = phase::open;
  } else if (st.now == phase::undecided) {
    keep(st, *bytes);
    decide(self);
    return;
  } else {
    if (st.now == phase::greeting && st.can_replay) {
      keep(st, *bytes);
      st.can_replay = st.can_replay && may_be_replayed(st.kept);
    }
    report(self, bytes->size());
    st.flow.pass_on(std::move(*bytes));
  }
  st.flow.read_on(self);
  if (st.flow.is_done())
    end(self, relay_totals{st.flow.read(), st.flow.written()});
}

void on_relay_bytes(tunnel_pointer self, relay_bytes msg) {
  auto& st = self->state;
  if (st.now == phase::accepting)
    st.early.push_back(std::move(msg.bytes));
  if (!st.flow.is_connected() || st.now == phase::leaving
      || st.now == phase::over)
    return;
  if (st.now == phase::undecided && st.env->config.tunnels.plain
      && st.kept.empty())
    st.now = phase::open;
  if (st.now == phase::undecided) {
    // It speaks first, so it is not TLS.
    st.flow.abandon(wire2::tunnel_end::reset, "not wanted any more");
    bounce(self, through_peer(st, errc::not_allowed, "not TLS"));
    return;
  }
  if (st.now == phase::greeting) {
    st.now = phase::open;
    st.can_replay = false;
    st.kept = {};
  }
  if (st.answered.size() <= max_refusal) {
    auto begin = msg.bytes.sub(0, max_refusal + 1 - st.answered.size());
    st.answered.insert(st.answered.end(), begin.bytes().begin(),
                       begin.bytes().end());
  }
  report(self, msg.bytes.size());
  st.flow.write(self, std::move(msg.bytes));
}

void on_written(tunnel_pointer self, const stream_written& msg) {
  auto& st = self->state;
  if (st.now == phase::over)
    return;
  st.flow.take(msg);
  if (st.flow.is_broken()) {
    st.flow.abandon(wire2::tunnel_end::reset, "the client has gone");
    end(self, msg.outcome.error());
  } else if (st.flow.is_done()) {
    end(self, relay_totals{st.flow.read(), st.flow.written()});
  }
}

/// The site, or the exit, has ended its direction or the tunnel.
void on_relay_closed(tunnel_pointer self, const relay_closed& msg) {
  auto& st = self->state;
  if (st.now == phase::accepting)
    st.early_end = msg;
  if (st.now == phase::accepting || st.now == phase::leaving
      || st.now == phase::over)
    return;
  bool gone = msg.how != wire2::tunnel_end::finished;
  auto kind = msg.session_lost || msg.how == wire2::tunnel_end::unreachable
                  ? tunnel_failure::peer
                  : tunnel_failure::rejected;
  if (st.now == phase::greeting || gone) {
    if (!gone)
      st.flow.abandon(wire2::tunnel_end::reset, "it ended without an answer");
    auto code =
        msg.how == wire2::tunnel_end::policy_refused ? errc::policy_refused
        : msg.how == wire2::tunnel_end::unreachable  ? errc::unreachable
                                                     : errc::connection_closed;
    give_up(self, through_peer(st, code, msg.detail), kind);
    return;
  }
  if (!st.answered.empty() && st.answered.size() <= max_refusal
      && is_alert_only(st.answered))
    report_failure(st, tunnel_failure::rejected);
  st.flow.end_writing();
  if (st.flow.is_done())
    end(self, relay_totals{st.flow.read(), st.flow.written()});
}

void on_accepted(tunnel_pointer self, stream_opened& msg) {
  auto& st = self->state;
  if (st.now != phase::accepting)
    return;
  *st.start.shared = {.open = true, .fields = {}};
  if (!msg.outcome) {
    st.flow.abandon(wire2::tunnel_end::reset, "the client is gone");
    end(self, msg.outcome.error());
    return;
  }
  ++st.env->counters.relayed;
  watch_over(self);
  st.flow.connect(std::move(*msg.outcome));
  // Who wants this line keeps the responsibility for what goes over it.
  st.now = st.start.wanted ? phase::open : phase::undecided;
  for (auto& bytes : std::exchange(st.early, {}))
    on_relay_bytes(self, relay_bytes{st.flow.tunnel(), std::move(bytes)});
  if (auto end = std::exchange(st.early_end, std::nullopt))
    on_relay_closed(self, *end);
  if (st.now != phase::over)
    st.flow.read_on(self);
}

void on_tick(tunnel_pointer self, const tick& msg) {
  auto& st = self->state;
  if (msg.generation == opening_wait && st.now == phase::opening)
    abandon(self, through_peer(st, errc::connect_timed_out, "no answer"),
            tunnel_failure::peer);
  else if (msg.generation == quiet_wait && st.now != phase::over
           && st.now != phase::leaving)
    watch_over(self);
  else if (msg.generation == answering_wait && st.now == phase::greeting
           && st.can_replay)
    abandon(self, through_peer(st, errc::timed_out, "the site is silent"),
            tunnel_failure::peer);
}

} // namespace

relay_end_actor::behavior_type
relayed_tunnel_behavior(tunnel_pointer self, environment_ptr env,
                        relayed_tunnel_start start) {
  auto& st = self->state;
  st.env = std::move(env);
  st.start = std::move(start);
  st.flow = relay_flow{st.env->next_tunnel++, st.start.session};
  // One does not outlive the other.
  self->link_to(st.start.connection);
  self->set_exit_handler([self](caf::exit_msg& x) {
    auto& st = self->state;
    if (std::exchange(st.now, phase::over) != phase::over) {
      st.flow.reset();
      st.flow.abandon(wire2::tunnel_end::reset, "interrupted");
    }
    self->quit(x.reason);
  });
  return {
      [self](start_work) { on_start(self); },
      [self](const relay_opened&) { on_relay_opened(self); },
      [self](relay_bytes& msg) { on_relay_bytes(self, std::move(msg)); },
      [self](const relay_credit& msg) {
        auto& st = self->state;
        if (st.now == phase::over)
          return;
        st.flow.take(msg);
        st.flow.read_on(self);
      },
      [self](const relay_closed& msg) { on_relay_closed(self, msg); },
      [self](stream_opened& msg) { on_accepted(self, msg); },
      [self](const stream_read& msg) { on_client_read(self, msg); },
      [self](const stream_written& msg) { on_written(self, msg); },
      [self](const tick& msg) { on_tick(self, msg); },
  };
}

bool start_relayed_tunnel(const environment_ptr& env,
                          relayed_tunnel_start start) {
  auto supervisor = env->relays.get();
  if (!supervisor)
    return false;
  child_spec spec;
  // Handed over, not shared: the connection must end on its actor's thread.
  auto held = std::make_shared<relayed_tunnel_start>(std::move(start));
  spec.start = [env, held](caf::actor_system&) {
    auto handle = spawn_on<relay_end_actor, relayed_tunnel_state>(
        env->io, relayed_tunnel_behavior, env, std::exchange(*held, {}));
    tell(handle, start_work{});
    return caf::actor_cast<caf::strong_actor_ptr>(handle);
  };
  tell(supervisor, start_child{std::move(spec)});
  return true;
}

} // namespace peapod
