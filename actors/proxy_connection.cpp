#include "actors/proxy_connection.hpp"

#include "actors/error_page.hpp"
#include "actors/forwarding.hpp"
#include "actors/own_answers.hpp"
#include "actors/proxy_connection_plain.hpp"
#include "actors/proxy_connection_tunnels.hpp"
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
using connection_pointer = proxy_connection_state::self_pointer;
using then = proxy_connection_state::then;

/// How long the origin may take to say `100 Continue` (RFC 9110, 10.1.1).
constexpr auto continue_wait = 1s;

/// How long an origin may be silent: event streams and long polls are.
constexpr auto quiet_origin = 10min;

/// How long an origin may take to answer to what came through a peer.
constexpr auto exit_answer_wait = 4s;

/// How long the origin may take to answer to a request whose body was cut off:
/// it may have refused it early (RFC 9112, 9.5), else it waits for ever.
constexpr auto cut_off_wait = 5s;

/// When a client is looked for that may have gone, and what it may be gone for.
constexpr client_patience patience_with_clients{.look_after = 1s,
                                                .half_closed = 60s};

/// Bytes of a pooled body that wait for one write, about: the transfer gets the
/// client's credit for all of them when the kernel has them.
constexpr uint64_t write_batch = 256_KiB;

// -- ends ---------------------------------------------------------------------

void next_request(connection_pointer self) {
  auto& st = self->state;
  auto step = ++st.step;
  if (std::exchange(st.busy, false))
    --st.env->counters.busy;
  st.exchange.reset();
  st.wish.reset();
  st.exit.reset();
  if (st.own_tunnel != 0)
    st.env->exits.tell(tunnel_over{std::exchange(st.own_tunnel, 0)});
  st.pooled.reset();
  st.page = {};
  st.portions.clear();
  st.crashes = 0;
  st.rest_is_here = false;
  st.heads.clear();
  st.answered = false;
  st.client->read_request(send_back(self, [step](result<request_head> outcome) {
    return head_received{step, std::move(outcome)};
  }));
}

void finish_response(connection_pointer self) {
  auto& st = self->state;
  if (!st.body_relayed || st.ending || !st.client->keep_alive())
    end_connection(self, false);
  else
    next_request(self);
}

// -- answers ------------------------------------------------------------------

void write_next_head(connection_pointer self) {
  auto& st = self->state;
  st.client->write_head(std::move(st.heads.front().first),
                        send_back(self, [step = st.step](result<void> outcome) {
                          return head_written{step, std::move(outcome)};
                        }));
}

/// Writes a head after those that are being written: interim ones come first
/// (RFC 9110, 15.2).
void queue_head(connection_pointer self, response_head head, then after) {
  auto& heads = self->state.heads;
  heads.emplace_back(std::move(head), after);
  if (heads.size() == 1)
    write_next_head(self);
}

/// Writes the final head.
void write_head(connection_pointer self, response_head head, then after) {
  self->state.answered = true;
  queue_head(self, std::move(head), after);
}

void write_body(connection_pointer self, body_parts body) {
  auto bytes = body.bytes.size();
  auto last = body.last;
  auto& st = self->state;
  st.client->write_body(
      std::move(body),
      send_back(self, [step = st.step, bytes, last](result<void> outcome) {
        return body_written{step, bytes, last, std::move(outcome)};
      }));
}

void answer(connection_pointer self, own_page page) {
  auto& st = self->state;
  st.page = slice{std::string_view{page.text}};
  if (page.head.status == 503)
    page.head.fields.set("Retry-After", "1");
  if (st.exchange)
    st.exchange->cancel();
  write_head(self, std::move(page.head), then::finish);
}

/// An answer instead of a failure; a body that came along is not read.
void answer_own(connection_pointer self, own_page page) {
  auto& st = self->state;
  if (st.request.framing != body_framing::none) {
    st.ending = true;
    page.head.fields.add("Connection", "close");
  }
  answer(self, std::move(page));
}

// -- requests -----------------------------------------------------------------

void relay_request_body(connection_pointer self) {
  auto& st = self->state;
  if (!std::exchange(st.expects_continue, false))
    return;
  st.client->relay_request(
      st.exchange, send_back(self, [step = st.step](result<relay_totals> x) {
        return request_relayed{step, std::move(x)};
      }));
}

/// What the client is told that has not sent all of its request (RFC 9112, 8).
error unfinished_request(const error& why) {
  return make_error(errc::bad_http, why.code == errc::timed_out
                                        ? "408 the request's body took too long"
                                        : "400 the request's body ends early");
}

void on_request_relayed(connection_pointer self, const request_relayed& msg) {
  auto& st = self->state;
  if (msg.step != st.step)
    return;
  st.body_relayed = bool{msg.outcome};
  if (st.body_relayed || st.answered)
    return;
  auto why = msg.outcome.error();
  // What the client does not send the origin need not wait for.
  if (why.code == errc::bad_http)
    answer(self, why);
  else if (st.client->lost_request())
    answer(self, unfinished_request(why));
  else
    self->delayed_send(self, cut_off_wait, answer_overdue{st.step, why});
}

/// Whether there is anything to relay: a body may be announced and be empty.
bool has_body(const request_head& request) {
  return request.framing == body_framing::chunked
         || (request.framing == body_framing::length
             && request.content_length > 0);
}

} // namespace

void end_connection(connection_pointer self, bool abort) {
  auto& st = self->state;
  ++st.step;
  if (std::exchange(st.busy, false))
    --st.env->counters.busy;
  if (st.exchange)
    st.exchange->cancel();
  st.client->close(abort);
  self->quit();
}

/// What a limit says, without the address that it may begin with: that is
/// nobody's business who reads the log.
std::string words_of_limit(const error& why) {
  auto colon = why.detail.rfind(": ");
  auto begin = colon == std::string::npos ? 0 : colon + 2;
  return begin < why.detail.size() ? why.detail.substr(begin)
                                   : std::string{to_string(why.code)};
}

void answer(connection_pointer self, const error& why) {
  auto& st = self->state;
  if (why.code == errc::limit_reached)
    st.env->proxy.tell(request_turned_away{words_of_limit(why)});
  st.ending = true;
  auto page = make_error_page(why, wants_html(st.request.fields));
  page.head.fields.add("Connection", "close");
  answer(self, std::move(page));
}

void forward(connection_pointer self) {
  auto& st = self->state;
  auto step = st.step;
  auto attempt = ++st.attempt;
  auto interim = send_back(self, [step, attempt](response_head head) {
    return interim_answered{step, std::move(head), attempt};
  });
  exchange_options options;
  options.idle_timeout = quiet_origin;
  auto& ports = st.env->ports;
  auto http = st.exit ? ports.http_through(*st.exit) : ports.http;
  options.over = own_line_for(st);
  st.asked = now_of(self);
  st.exchange = http->open(forwarded(st.request, st.env->via_name), options,
                           std::move(interim));
  st.exchange->read_head(
      send_back(self, [step, attempt](result<response_head> outcome) {
        return origin_answered{step, std::move(outcome), attempt};
      }));
  if (st.exit)
    self->delayed_send(
        self, exit_answer_wait,
        answer_overdue{step, make_error(errc::timed_out, "no answer"), true});
  st.body_relayed = !has_body(st.request);
  if (st.body_relayed)
    return;
  st.expects_continue = true;
  if (st.request.version >= 11
      && st.request.fields.has_token("Expect", "100-continue"))
    self->delayed_send(self, continue_wait, continue_timeout{step});
  else
    relay_request_body(self);
}

namespace {

void on_head_received(connection_pointer self, head_received& msg) {
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
  if (st.env->logs(log_level::debug))
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
  else if (may_leave(*st.env, st.request))
    choose_line(self);
  else
    forward(self);
}

// -- responses ----------------------------------------------------------------

/// Hands what is left of the body, whose first bytes `st.exchange` brings, to
/// a transfer.
void start_transfer(connection_pointer self) {
  auto& st = self->state;
  auto source = std::make_shared<body_source>();
  st.env->ports.random(source->id.bytes);
  source->request = st.request;
  source->rep = st.pooled->version;
  source->encoded = st.encoded;
  // The hash is of the whole: what a crashed transfer has sent is not here.
  std::optional<origin_digest> digest;
  if (st.crashes == 0)
    digest = st.pooled->digest;
  // Handed over, not shared: the spine must end with the transfer, on its
  // thread.
  auto held = std::make_shared<transfer_start>(
      transfer_start{source,
                     {st.received, st.pooled->body.end},
                     std::move(st.exchange),
                     caf::actor_cast<proxy_connection_actor>(self),
                     std::move(digest),
                     st.pooled->way});
  child_spec spec;
  spec.start = [env = st.env, held](caf::actor_system&) {
    return caf::actor_cast<caf::strong_actor_ptr>(
        spawn_on<transfer_actor, transfer_state>(
            env->io, transfer_behavior, env, std::exchange(*held, {})));
  };
  st.env->transfers.tell(start_child{std::move(spec)});
}

/// The head and the body that follows it, in one operation.
void pass_response(connection_pointer self, response_head head) {
  auto& st = self->state;
  st.answered = true;
  st.client->pass_response(
      std::move(head), st.exchange,
      send_back(self, [step = st.step](result<relay_totals> x) {
        return relay_ended{step, std::move(x)};
      }));
}

void start_relay(connection_pointer self) {
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
void on_transfer_crashed(connection_pointer self) {
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
  options.over = own_line_for(st);
  st.exchange = st.env->ports.http->open(std::move(head), options);
  st.exchange->read_head(
      send_back(self, [step = st.step](result<response_head> outcome) {
        return rest_answered{step, std::move(outcome)};
      }));
}

void relay_rest(connection_pointer self) {
  auto& st = self->state;
  if (std::exchange(st.rest_is_here, false))
    start_relay(self);
}

void on_rest_answered(connection_pointer self, const rest_answered& msg) {
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
  if (st.portions.empty())
    relay_rest(self);
}

void on_answer_overdue(connection_pointer self, const answer_overdue& msg) {
  auto& st = self->state;
  if (msg.step != st.step || st.answered)
    return;
  if (!msg.at_exit)
    answer(self, msg.why);
  else if (st.exit)
    came_home(self, msg.why);
}

void on_interim(connection_pointer self, interim_answered& msg) {
  auto& st = self->state;
  if (msg.step != st.step || msg.attempt != st.attempt || st.answered)
    return;
  if (msg.head.status == 100) {
    relay_request_body(self); // makes the client continue, too
  } else if (st.request.version >= 11) {
    strip_hop_by_hop(msg.head.fields);
    add_via(msg.head.fields, msg.head.version, st.env->via_name);
    queue_head(self, std::move(msg.head), then::nothing);
  }
}

void on_origin_answered(connection_pointer self, origin_answered& msg) {
  auto& st = self->state;
  // One of a peer's line may come when the own one has taken over.
  if (msg.step != st.step || msg.attempt != st.attempt || st.answered)
    return;
  if (st.exit && came_home(self, msg.outcome))
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
  } else if (good
             && st.env->counters.pooling
                    >= st.env->config.scheduling.most_bodies()) {
    ++st.env->counters.passed_through;
    st.env->log(log_level::debug,
                "not pooled: [pool] memory has no room for one more");
  } else if (good) {
    st.pooled =
        std::make_unique<pooled_body>(*good, st.env, now_of(self) - st.asked);
    st.pooled->digest = digest_of(head, good->body, good->total);
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
  strip_hop_by_hop(head.fields, upgrades_of(head.status));
  add_via(head.fields, head.version, st.env->via_name);
  st.ending = st.ending || switching;
  if (after == then::relay && st.heads.empty())
    pass_response(self, std::move(head));
  else
    write_head(self, std::move(head), after);
}

void on_head_written(connection_pointer self, const head_written& msg) {
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
      write_body(self, body_parts{st.page, true});
      return;
    case then::relay:
      start_relay(self);
      return;
    case then::pool:
      st.received = st.pooled->body.begin;
      start_transfer(self);
  }
}

void on_relay_ended(connection_pointer self, const relay_ended& msg) {
  auto& st = self->state;
  if (msg.step != st.step)
    return;
  if (st.tunnel)
    conclude_tunnel(self, msg.outcome);
  else if (msg.outcome)
    finish_response(self);
  else
    end_connection(self, true);
}

void on_body_written(connection_pointer self, const body_written& msg) {
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
  tell(st.portions.front().from, body_taken{msg.bytes});
  st.portions.pop_front();
  if (!st.portions.empty())
    write_body(self, std::move(st.portions.front().body));
  else
    relay_rest(self);
}

/// What waits leaves in one write, as much of it as `write_batch`.
void on_body_ready(connection_pointer self, body_ready& msg) {
  auto& st = self->state;
  auto from = self->current_sender();
  st.received += msg.bytes.size();
  bool waits = st.portions.size() > 1 && st.portions.back().from == from;
  if (waits && st.portions.back().body.bytes.size() < write_batch) {
    auto& body = st.portions.back().body;
    body.bytes.append(std::move(msg.bytes));
    body.last = msg.last;
    return;
  }
  st.portions.push_back({{std::move(msg.bytes), msg.last}, std::move(from)});
  if (st.portions.size() == 1)
    write_body(self, std::move(st.portions.front().body));
}

} // namespace

proxy_connection_actor::behavior_type
proxy_connection_behavior(connection_pointer self, environment_ptr env,
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
  st.client->watch_client(patience_with_clients,
                          send_back(self, [] { return client_gone{}; }));
  next_request(self);
  // Those that each connection gets come first: they are tried one by one.
  return {
      [self](head_received& msg) { on_head_received(self, msg); },
      [self](const relay_ended& msg) { on_relay_ended(self, msg); },
      [self](interim_answered& msg) { on_interim(self, msg); },
      [self](origin_answered& msg) { on_origin_answered(self, msg); },
      [self](const request_relayed& msg) { on_request_relayed(self, msg); },
      [self](const continue_timeout& msg) {
        if (msg.step == self->state.step && !self->state.answered)
          relay_request_body(self);
      },
      [self](const answer_overdue& msg) { on_answer_overdue(self, msg); },
      [self](const head_written& msg) { on_head_written(self, msg); },
      [self](const body_written& msg) { on_body_written(self, msg); },
      [self](body_ready& msg) { on_body_ready(self, msg); },
      [self](const body_failed&) { end_connection(self, true); },
      [self](client_gone) { end_connection(self, true); },
      [self](relay_bounced& msg) {
        if (msg.step == self->state.step)
          go_home(self, msg);
      },
      [self](const rest_answered& msg) { on_rest_answered(self, msg); },
  };
}

} // namespace peapod
