#include "actors/proxy_connection.hpp"

#include "actors/error_page.hpp"
#include "actors/own_answers.hpp"
#include "actors/relayed_tunnel.hpp"
#include "actors/script_answer.hpp"
#include "actors/transfer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

proxy_connection_state::~proxy_connection_state() {
  if (!env)
    return;
  --env->counters.active;
  if (in_tunnel)
    --env->counters.open_tunnels;
  if (own_tunnel != 0)
    env->exits.tell(tunnel_over{own_tunnel});
  if (!busy)
    return;
  // A response that a crash cut off must not look complete.
  --env->counters.busy;
  client->close(true);
}

namespace {

using namespace std::chrono_literals;
using self_pointer = proxy_connection_state::self_pointer;
using then = proxy_connection_state::then;

/// How long the origin may take to say `100 Continue` (RFC 9110, 10.1.1).
constexpr auto continue_wait = 1s;

/// How long an origin may be silent: event streams and long polls are.
constexpr auto quiet_origin = 10min;

/// How long the origin may take to answer to a request whose body was cut off:
/// it may have refused it early (RFC 9112, 9.5), else it waits for ever.
constexpr auto cut_off_wait = 5s;

/// How long the choice of a line may take.
constexpr auto exit_wait = 1s;

// -- ends ---------------------------------------------------------------------

void end_connection(self_pointer self, bool abort) {
  auto& st = self->state;
  ++st.step;
  if (std::exchange(st.busy, false))
    --st.env->counters.busy;
  if (st.exchange)
    st.exchange->cancel();
  st.client->close(abort);
  self->quit();
}

void next_request(self_pointer self) {
  auto& st = self->state;
  auto step = ++st.step;
  if (std::exchange(st.busy, false))
    --st.env->counters.busy;
  st.exchange.reset();
  st.pooled.reset();
  st.digest.reset();
  st.page = {};
  st.parts.clear();
  st.crashes = 0;
  st.rest_is_here = false;
  st.heads.clear();
  st.answered = false;
  st.client->read_request(send_back(self, [step](result<request_head> outcome) {
    return head_received{step, std::move(outcome)};
  }));
}

void finish_response(self_pointer self) {
  auto& st = self->state;
  if (!st.body_relayed || st.ending || !st.client->keep_alive())
    end_connection(self, false);
  else
    next_request(self);
}

// -- answers ------------------------------------------------------------------

void write_next_head(self_pointer self) {
  auto& st = self->state;
  st.client->write_head(std::move(st.heads.front().first),
                        send_back(self, [step = st.step](result<void> outcome) {
                          return head_written{step, std::move(outcome)};
                        }));
}

/// Writes a head after those that are being written: interim ones come first
/// (RFC 9110, 15.2).
void queue_head(self_pointer self, response_head head, then after) {
  auto& heads = self->state.heads;
  heads.emplace_back(std::move(head), after);
  if (heads.size() == 1)
    write_next_head(self);
}

/// Writes the final head.
void write_head(self_pointer self, response_head head, then after) {
  self->state.answered = true;
  queue_head(self, std::move(head), after);
}

void write_part(self_pointer self, body_part part) {
  auto bytes = part.bytes.size();
  auto last = part.last;
  auto& st = self->state;
  st.client->write_body(
      std::move(part),
      send_back(self, [step = st.step, bytes, last](result<void> outcome) {
        return body_written{step, bytes, last, std::move(outcome)};
      }));
}

void answer(self_pointer self, own_page page) {
  auto& st = self->state;
  st.page = slice{std::string_view{page.text}};
  if (page.head.status == 503)
    page.head.fields.set("Retry-After", "1");
  if (st.exchange)
    st.exchange->cancel();
  write_head(self, std::move(page.head), then::finish);
}

void answer(self_pointer self, const error& why) {
  auto& st = self->state;
  st.ending = true;
  auto page = make_error_page(why, wants_html(st.request.fields));
  page.head.fields.add("Connection", "close");
  answer(self, std::move(page));
}

/// An answer instead of a failure; a body that came along is not read.
void answer_own(self_pointer self, own_page page) {
  auto& st = self->state;
  if (st.request.framing != body_framing::none) {
    st.ending = true;
    page.head.fields.add("Connection", "close");
  }
  answer(self, std::move(page));
}

// -- requests -----------------------------------------------------------------

/// Over this device's own line.
void open_own_tunnel(self_pointer self) {
  auto& st = self->state;
  if (st.wish) {
    st.wish->tried.push_back(st.env->self->device());
    if (st.own_tunnel == 0)
      st.own_tunnel = st.env->next_tunnel++;
    st.env->exits.tell(tunnel_begun{st.own_tunnel, st.env->self->device()});
  }
  auto& target = st.request.target;
  st.client->tunnel(
      host_port{target.host, target.port},
      // An open tunnel does not need what the request said.
      [tunnel = st.tunnel] { *tunnel = {.open = true, .fields = {}}; },
      send_back(self, [step = st.step](result<relay_totals> outcome) {
        return relay_ended{step, std::move(outcome)};
      }));
}

void relay_tunnel(self_pointer self, const exit_chosen& exit, bool wanted) {
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
  if (!start_relayed_tunnel(st.env, std::move(start)))
    open_own_tunnel(self);
}

/// Asks which line to use; `wanted`: the only one that the client takes.
void ask_for_exit(self_pointer self, std::optional<device_id> wanted) {
  auto& st = self->state;
  auto on_chosen = [self, wanted, step = st.step](exit_chosen& x) {
    if (step != self->state.step)
      return;
    if (x.session)
      relay_tunnel(self, x, wanted.has_value());
    else if (wanted)
      answer(self, make_error(errc::unreachable, "no connected peer "
                                                     + to_string(*wanted)
                                                     + " opens tunnels"));
    else if (auto why = std::exchange(self->state.own_failure, std::nullopt))
      answer(self, *why); // and no peer is there to try
    else
      open_own_tunnel(self);
  };
  // Nobody waits for an actor that restarts.
  auto on_error = [self, wanted, on_chosen](caf::error&) {
    exit_chosen none;
    none.line = wanted.value_or(self->state.env->self->device());
    on_chosen(none);
  };
  self->request(st.env->exits.get(), exit_wait, choose_exit{*st.wish, wanted})
      .then(on_chosen, on_error);
}

/// The line that the client wants, by `PeaPod-Exit`: `own`, or a device's id.
/// Nothing: any. Errors: `bad_http`.
result<std::optional<device_id>> wanted_exit(const environment& env,
                                             const http_fields& fields) {
  auto text = fields.find("PeaPod-Exit");
  if (!text)
    return std::optional<device_id>{};
  if (*text == "own")
    return std::optional{env.self->device()};
  auto bytes = from_hex(*text);
  if (bytes.size() != device_id::size)
    return make_error(errc::bad_http,
                      "400 PeaPod-Exit is neither `own` nor a device's id");
  device_id out;
  std::ranges::copy(bytes, out.bytes.begin());
  return std::optional{out};
}

void open_tunnel(self_pointer self) {
  auto& st = self->state;
  auto& env = *st.env;
  ++env.counters.tunnels;
  if (env.counters.open_tunnels >= env.config.max_tunnels) {
    ++env.counters.turned_away;
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
  bool own = *wanted && **wanted == env.self->device();
  if (own || !env.exits.get() || (!*wanted && env.exits_standing == 0))
    return open_own_tunnel(self);
  st.wish = tunnel_wish{st.client->remote().address,
                        {st.request.target.host, st.request.target.port},
                        {},
                        {}};
  ask_for_exit(self, *wanted);
}

/// A peer's line is of no use: the own one takes over, and the client does not
/// notice.
void on_relay_bounced(self_pointer self, relay_bounced& msg) {
  auto& st = self->state;
  if (msg.step != st.step)
    return;
  st.env->log(log_level::debug, "tunnel to " + st.request.target.authority()
                                    + " goes home: " + to_string(msg.why));
  if (!msg.accepted)
    return open_own_tunnel(self);
  auto& target = st.request.target;
  st.client->resume_tunnel(
      host_port{target.host, target.port}, std::move(msg.first),
      send_back(self, [step = st.step](result<relay_totals> outcome) {
        return relay_ended{step, std::move(outcome)};
      }));
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

void relay_request_body(self_pointer self) {
  auto& st = self->state;
  if (!std::exchange(st.expects_continue, false))
    return;
  st.client->relay_request(
      st.exchange, send_back(self, [step = st.step](result<relay_totals> x) {
        return request_relayed{step, std::move(x)};
      }));
}

void on_request_relayed(self_pointer self, const request_relayed& msg) {
  auto& st = self->state;
  if (msg.step != st.step)
    return;
  st.body_relayed = bool{msg.outcome};
  if (st.body_relayed || st.answered)
    return;
  auto why = msg.outcome.error();
  if (why.code == errc::bad_http)
    answer(self, why);
  else
    self->delayed_send(self, cut_off_wait, answer_overdue{st.step, why});
}

/// The request as it goes to the origin.
request_head forwarded(const environment& env, const request_head& request) {
  auto out = request;
  // HTTP/2 cannot be read here, so nobody may switch to it.
  bool upgrade = request.fields.find("Upgrade").has_value()
                 && request.version >= 11
                 && request.fields.has_token("Connection", "upgrade")
                 && !request.fields.has_token("Upgrade", "h2c");
  strip_hop_by_hop(out.fields, upgrade ? upgrades::keep : upgrades::drop);
  add_via(out.fields, request.version, env.via_name);
  // An old client does not know what to wait for (RFC 9110, 10.1.1).
  if (request.version == 10)
    out.fields.erase("Expect");
  out.version = 11;
  return out;
}

void forward(self_pointer self) {
  auto& st = self->state;
  auto step = st.step;
  auto interim = send_back(self, [step](response_head head) {
    return interim_answered{step, std::move(head)};
  });
  exchange_options options;
  options.idle_timeout = quiet_origin;
  st.exchange = st.env->ports.http->open(forwarded(*st.env, st.request),
                                         options, std::move(interim));
  st.exchange->read_head(send_back(self, [step](result<response_head> outcome) {
    return origin_answered{step, std::move(outcome)};
  }));
  st.body_relayed = st.request.framing == body_framing::none;
  if (st.body_relayed)
    return;
  st.expects_continue = true;
  if (st.request.version >= 11
      && st.request.fields.has_token("Expect", "100-continue"))
    self->delayed_send(self, continue_wait, continue_timeout{step});
  else
    relay_request_body(self);
}

void on_head_received(self_pointer self, head_received& msg) {
  auto& st = self->state;
  if (msg.step != st.step)
    return;
  if (!msg.outcome) {
    st.request = {};
    if (msg.outcome.error().code == errc::bad_http)
      answer(self, msg.outcome.error());
    else
      end_connection(self, false);
    return;
  }
  ++st.env->counters.requests;
  ++st.env->counters.busy;
  st.busy = true;
  st.request = std::move(*msg.outcome);
  st.body_relayed = true;
  st.env->log(log_level::debug,
              st.request.method + " " + st.request.target.text());
  if (via_names(st.request.fields, st.env->via_name))
    answer(self, make_error(errc::loop_detected,
                            "the request has been through this proxy already"));
  else if (auto script = answer_script(st.request, *st.client))
    answer_own(self, {std::move(script->head), std::move(script->text)});
  else if (auto page = answer_here(st.request))
    answer_own(self, std::move(*page));
  else if (st.request.method == "CONNECT")
    open_tunnel(self);
  else
    forward(self);
}

// -- responses ----------------------------------------------------------------

/// Hands what is left of the body, whose first bytes `st.exchange` brings, to
/// a transfer.
void start_transfer(self_pointer self) {
  auto& st = self->state;
  auto source = std::make_shared<body_source>();
  st.env->ports.random(source->id.bytes);
  source->request = st.request;
  source->rep = st.pooled->version;
  source->encoded = st.encoded;
  // The hash is of the whole: what a crashed transfer has sent is not here.
  auto digest = st.crashes == 0 ? st.digest : std::nullopt;
  // Handed over, not shared: the spine must end with the transfer, on its
  // thread.
  auto held = std::make_shared<transfer_start>(
      transfer_start{source,
                     {st.received, st.pooled->body.end},
                     std::move(st.exchange),
                     caf::actor_cast<proxy_connection_actor>(self),
                     std::move(digest)});
  child_spec spec;
  spec.start = [env = st.env, held](caf::actor_system&) {
    return caf::actor_cast<caf::strong_actor_ptr>(
        spawn_on<transfer_actor, transfer_state>(
            env->io, transfer_behavior, env, std::exchange(*held, {})));
  };
  st.env->transfers.tell(start_child{std::move(spec)});
}

/// The head and the body that follows it, in one operation.
void pass_response(self_pointer self, response_head head) {
  auto& st = self->state;
  st.answered = true;
  st.client->pass_response(
      std::move(head), st.exchange,
      send_back(self, [step = st.step](result<relay_totals> x) {
        return relay_ended{step, std::move(x)};
      }));
}

void start_relay(self_pointer self) {
  auto& st = self->state;
  st.client->relay_response(
      st.exchange, send_back(self, [step = st.step](result<relay_totals> x) {
        return relay_ended{step, std::move(x)};
      }));
}

// -- after a crash ------------------------------------------------------------

/// A transfer has crashed: what it had sent is right, the rest is asked for
/// anew. The first time another transfer brings it, the second time it passes
/// through, and then it is enough.
void on_transfer_crashed(self_pointer self) {
  auto& st = self->state;
  if (!st.pooled || st.received >= st.pooled->body.end || ++st.crashes > 2) {
    end_connection(self, true);
    return;
  }
  auto head = make_range_request(st.request, {st.received, st.pooled->body.end},
                                 st.pooled->version);
  add_via(head.fields, 11, st.env->via_name);
  exchange_options options;
  options.idle_timeout = quiet_origin;
  st.exchange = st.env->ports.http->open(std::move(head), options);
  st.exchange->read_head(
      send_back(self, [step = st.step](result<response_head> outcome) {
        return rest_answered{step, std::move(outcome)};
      }));
}

void relay_rest(self_pointer self) {
  auto& st = self->state;
  if (std::exchange(st.rest_is_here, false))
    start_relay(self);
}

void on_rest_answered(self_pointer self, const rest_answered& msg) {
  auto& st = self->state;
  if (msg.step != st.step || !st.pooled)
    return;
  byte_range rest{st.received, st.pooled->body.end};
  auto good = msg.outcome
                  ? check_range_response(*msg.outcome, rest, st.pooled->version)
                  : result<void>{msg.outcome.error()};
  if (!good) {
    st.env->log(log_level::warn, "a download whose transfer crashed cannot be "
                                 "continued: "
                                     + to_string(good.error()));
    end_connection(self, true);
    return;
  }
  auto how = st.crashes == 1 ? "another transfer brings"
                             : "the own line alone "
                               "brings";
  ++st.env->counters.replaced;
  st.env->publish(event_kind::transfer_replaced,
                  std::string{how} + " the rest from byte "
                      + std::to_string(st.received));
  if (st.crashes == 1) {
    start_transfer(self);
    return;
  }
  st.rest_is_here = true;
  if (st.parts.empty())
    relay_rest(self);
}

void on_interim(self_pointer self, interim_answered& msg) {
  auto& st = self->state;
  if (msg.step != st.step || st.answered)
    return;
  if (msg.head.status == 100) {
    relay_request_body(self); // makes the client continue, too
  } else if (st.request.version >= 11) {
    strip_hop_by_hop(msg.head.fields);
    add_via(msg.head.fields, msg.head.version, st.env->via_name);
    queue_head(self, std::move(msg.head), then::nothing);
  }
}

void on_origin_answered(self_pointer self, origin_answered& msg) {
  auto& st = self->state;
  if (msg.step != st.step || st.answered)
    return;
  if (!msg.outcome) {
    answer(self, msg.outcome.error());
    return;
  }
  auto head = std::move(*msg.outcome);
  auto verdict = judge(st.request, head, st.env->config.pool);
  auto after = then::relay;
  auto good = std::get_if<eligible>(&verdict);
  if (good && st.env->suspected.has(st.request.target.text(), now_of(self))) {
    ++st.env->counters.passed_through;
    st.env->log(log_level::info, "not pooled: its last download had bytes that "
                                 "could not be trusted");
  } else if (good) {
    st.pooled = *good;
    st.digest = digest_of(head, good->body, good->total);
    st.encoded = head.fields.count("Content-Encoding") > 0;
    after = then::pool;
    ++st.env->counters.pooled;
  } else {
    ++st.env->counters.passed_through;
    st.env->log(log_level::debug,
                "not pooled: "
                    + std::string{to_string(std::get<ineligible>(verdict))});
  }
  bool switching = head.status == 101;
  strip_hop_by_hop(head.fields, switching ? upgrades::keep : upgrades::drop);
  add_via(head.fields, head.version, st.env->via_name);
  st.ending = st.ending || switching;
  if (after == then::relay && st.heads.empty())
    pass_response(self, std::move(head));
  else
    write_head(self, std::move(head), after);
}

void on_head_written(self_pointer self, const head_written& msg) {
  auto& st = self->state;
  if (msg.step != st.step)
    return;
  if (!msg.outcome) {
    end_connection(self, true);
    return;
  }
  auto after = st.heads.front().second;
  st.heads.pop_front();
  if (!st.heads.empty())
    write_next_head(self);
  switch (after) {
    case then::nothing:
      return;
    case then::finish:
      write_part(self, body_part{st.page, true});
      return;
    case then::relay:
      start_relay(self);
      return;
    case then::pool:
      st.received = st.pooled->body.begin;
      start_transfer(self);
  }
}

void on_tunnel_ended(self_pointer self, const result<relay_totals>& outcome) {
  auto& st = self->state;
  auto name = "tunnel to " + st.request.target.authority();
  if (outcome) {
    st.env->log(log_level::debug,
                name + " has ended: " + std::to_string(outcome->to_origin)
                    + " bytes out, " + std::to_string(outcome->to_client)
                    + " in");
    end_connection(self, false);
    return;
  }
  auto words = to_string(outcome.error());
  if (!st.tunnel->open && st.wish && st.wish->tried.size() == 1
      && st.wish->tried.front() == st.env->self->device()
      && may_be_ours_alone(outcome.error())) {
    st.env->log(log_level::debug, name + " is tried through peers: " + words);
    st.own_failure = outcome.error();
    ask_for_exit(self, std::nullopt);
    return;
  }
  if (st.tunnel->open) {
    st.env->log(log_level::debug, name + " was cut off: " + words);
    end_connection(self, true);
    return;
  }
  st.env->log(log_level::debug, name + " cannot be opened: " + words);
  st.request.fields = std::move(st.tunnel->fields);
  answer(self, outcome.error());
}

void on_relay_ended(self_pointer self, const relay_ended& msg) {
  auto& st = self->state;
  if (msg.step != st.step)
    return;
  if (st.tunnel)
    on_tunnel_ended(self, msg.outcome);
  else if (msg.outcome)
    finish_response(self);
  else
    end_connection(self, true);
}

void on_body_written(self_pointer self, const body_written& msg) {
  auto& st = self->state;
  if (msg.step != st.step)
    return;
  if (!msg.outcome) {
    end_connection(self, true);
    return;
  }
  if (msg.last) {
    finish_response(self);
    return;
  }
  tell(st.parts.front().from, body_taken{msg.bytes});
  st.parts.pop_front();
  if (!st.parts.empty())
    write_part(self, st.parts.front().part);
  else
    relay_rest(self);
}

void on_body_ready(self_pointer self, body_ready& msg) {
  auto& st = self->state;
  st.received += msg.bytes.size();
  st.parts.push_back(
      {{std::move(msg.bytes), msg.last}, self->current_sender()});
  if (st.parts.size() == 1)
    write_part(self, st.parts.front().part);
}

} // namespace

proxy_connection_actor::behavior_type
proxy_connection_behavior(self_pointer self, environment_ptr env,
                          std::shared_ptr<http_server_stream> client) {
  auto& st = self->state;
  st.env = std::move(env);
  st.client = std::move(client);
  ++st.env->counters.active;
  // Supervisors stop it with `user_shutdown`; only a linked transfer fails.
  self->set_exit_handler([self](caf::exit_msg& x) {
    if (is_failure(x.reason))
      on_transfer_crashed(self);
    else if (x.reason)
      end_connection(self, true);
  });
  return {
      [self](start_work) { next_request(self); },
      [self](head_received& msg) { on_head_received(self, msg); },
      [self](interim_answered& msg) { on_interim(self, msg); },
      [self](origin_answered& msg) { on_origin_answered(self, msg); },
      [self](const request_relayed& msg) { on_request_relayed(self, msg); },
      [self](const continue_timeout& msg) {
        if (msg.step == self->state.step && !self->state.answered)
          relay_request_body(self);
      },
      [self](const answer_overdue& msg) {
        if (msg.step == self->state.step && !self->state.answered)
          answer(self, msg.why);
      },
      [self](const head_written& msg) { on_head_written(self, msg); },
      [self](const body_written& msg) { on_body_written(self, msg); },
      [self](const relay_ended& msg) { on_relay_ended(self, msg); },
      [self](body_ready& msg) { on_body_ready(self, msg); },
      [self](const body_failed&) { end_connection(self, true); },
      [self](relay_bounced& msg) { on_relay_bounced(self, msg); },
      [self](const rest_answered& msg) { on_rest_answered(self, msg); },
  };
}

} // namespace peapod
