#include "actors/wan_fetcher.hpp"

#include "actors/sharing.hpp"
#include "core/part_size.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = wan_fetcher_state::self_pointer;
using key = wan_fetcher_state::key;
using fetch = wan_fetcher_state::fetch;

constexpr unsigned max_redirects = 3;
constexpr duration watch_interval = 100ms;

chunk_failure failure_of(const error& x) {
  switch (x.code) {
    case errc::mismatch:
      return chunk_failure::mismatch;
    case errc::policy_refused:
    case errc::upstream_refused:
    case errc::loop_detected:
    case errc::bad_http:
    case errc::origin_refused:
      return chunk_failure::refused;
    default:
      return chunk_failure::unavailable;
  }
}

/// A status that a later try may change (RFC 9110, 15.5.9, 15.6).
bool is_passing(unsigned status) {
  return status == 408 || status >= 500;
}

/// No origin keeps peers waiting for longer.
constexpr std::chrono::seconds longest_rest = 60s;

constexpr size_t max_asked_later = 1024;

constexpr auto asked_to_wait = "the origin wants to be asked later";

/// Whether anything is fetched for `sink`.
bool fetches_for(const wan_fetcher_state& st, const caf::actor_addr& sink) {
  auto i = st.fetches.lower_bound(key{sink, 0});
  return i != st.fetches.end() && i->first.first == sink;
}

/// Whoever has crashed waits for nothing any more and calls nothing off.
void forget_sink(self_pointer self, const caf::actor_addr& sink) {
  auto& st = self->state;
  std::erase_if(st.fetches, [&](auto& kv) { return kv.first.first == sink; });
  st.line->fetching = st.fetches.size();
}

/// Ends a fetch and tells whoever asked for it.
void settle(self_pointer self, const key& id, chunk_settled how) {
  auto i = self->state.fetches.find(id);
  if (i == self->state.fetches.end())
    return;
  auto& st = self->state;
  auto sink = i->second.ask.sink;
  st.fetches.erase(i);
  st.line->fetching = st.fetches.size();
  if (!fetches_for(st, id.first))
    self->demonitor(id.first);
  how.lease = id.second;
  how.source = st.env->id_of(*st.line);
  tell(sink, std::move(how));
}

void settle(self_pointer self, const key& id,
            std::optional<chunk_failure> failure, std::string reason,
            std::optional<duration> retry_after = std::nullopt) {
  chunk_settled out;
  out.failure = failure;
  out.reason = std::move(reason);
  out.retry_after = retry_after;
  settle(self, id, std::move(out));
}

void fail(self_pointer self, const key& id, const error& why) {
  chunk_settled out;
  out.failure = failure_of(why);
  out.reason = to_string(why);
  out.forbidden =
      why.code == errc::policy_refused || why.code == errc::loop_detected;
  settle(self, id, std::move(out));
}

// -- origins that want less ---------------------------------------------------

/// Whether anything else is under way to the origin of `id`.
bool has_company(const wan_fetcher_state& st, const key& id, const fetch& x) {
  auto origin = x.target.origin();
  return std::ranges::any_of(st.fetches, [&](auto& kv) {
    return kv.first != id && kv.second.exchange
           && kv.second.target.origin() == origin;
  });
}

/// Whether the answer says that the origin wants fewer requests, or later: 429
/// (RFC 6585, 4), 503 with a time or while it answers others (RFC 9110,
/// 15.6.4), or the connection was closed instead of answered.
bool is_turned_away(self_pointer self, const key& id, const fetch& x,
                    const result<response_head>& outcome) {
  if (!outcome)
    return outcome.error().code == errc::connection_closed
           && has_company(self->state, id, x);
  return outcome->status == 429
         || (outcome->status == 503
             && (retry_after(*outcome) || has_company(self->state, id, x)));
}

/// Ends a fetch because of that; peers need not ask again before its time.
void turn_away(self_pointer self, const key& id, const fetch& x,
               const result<response_head>& outcome) {
  auto& later = self->state.asked_later;
  auto now = now_of(self);
  std::optional<duration> rest;
  if (outcome)
    rest = retry_after(*outcome);
  std::erase_if(later, [now](auto& kv) { return kv.second <= now; });
  if (rest) {
    if (later.size() >= max_asked_later)
      later.erase(std::ranges::min_element(later, {},
                                           [](auto& kv) { return kv.second; }));
    later[x.target.origin()] = now + std::min<duration>(*rest, longest_rest);
  }
  settle(self, id, chunk_failure::busy,
         outcome ? "status " + std::to_string(outcome->status)
                 : to_string(outcome.error()),
         rest);
}

/// How long the origin does not want to be asked.
duration rest_of(self_pointer self, const url& target) {
  auto i = self->state.asked_later.find(target.origin());
  return i == self->state.asked_later.end() ? duration::zero()
                                            : i->second - now_of(self);
}

// -- exchanges ----------------------------------------------------------------

request_head request_for(const fetch& x) {
  if (!x.ask.for_peer)
    return make_range_request(x.ask.source->request, x.ask.range,
                              x.ask.source->rep);
  return make_peer_request(x.target, x.ask.range, x.ask.source->rep);
}

/// The first line leaves by any connection while it has none of its own.
http_client& client_of(const wan_fetcher_state& st) {
  auto& own = st.line->port.http;
  return own && (st.line->up || st.line != &st.env->lines.first())
             ? *own
             : *st.env->ports.http;
}

void open_exchange(self_pointer self, const key& id, fetch& x) {
  auto& env = *self->state.env;
  auto head = request_for(x);
  add_via(head.fields, 11, env.via_name);
  exchange_options options;
  options.for_peer = x.ask.for_peer;
  options.fresh_connection = x.ask.fresh;
  options.idle_timeout = 20s;
  x.exchange = client_of(self->state).open(std::move(head), options);
  x.arrived = x.taken = 0;
  x.exchange->read_head(send_back(self, [id](result<response_head> outcome) {
    return fetch_answered{id.second, id.first, std::move(outcome)};
  }));
}

void read_on(self_pointer self, const key& id, fetch& x) {
  auto most = x.ask.for_peer ? self->state.env->allowance->piece() : piece_size;
  x.exchange->read_body(
      most, send_back(self, [id](result<body_part> outcome) {
        return fetch_read{id.second, id.first, std::move(outcome)};
      }));
}

// -- sharing ------------------------------------------------------------------

/// `upto`: bytes that have come from the present exchange.
void count_arrived(self_pointer self, fetch& x, uint64_t upto) {
  if (upto > x.arrived)
    self->state.env->allowance->arrived(upto - std::exchange(x.arrived, upto));
}

void count_taken(self_pointer self, fetch& x, size_t size) {
  auto& sharing = *self->state.env->allowance;
  x.taken += size;
  count_arrived(self, x, x.taken);
  sharing.took(size, now_of(self));
  x.place = sharing.place();
}

void look_at_own_use(self_pointer self) {
  auto& st = self->state;
  for (auto& [id, x] : st.fetches)
    if (x.ask.for_peer && x.exchange)
      count_arrived(self, x, x.exchange->received());
  st.env->allowance->look(st.env->ports.own->bytes(), now_of(self));
  auto limit = st.env->allowance->held_to().value_or(0);
  st.env->counters.held_to = static_cast<uint64_t>(limit);
}

/// Own use is watched while peers are served, and until it has ended.
void watch_own_use(self_pointer self) {
  auto& st = self->state;
  look_at_own_use(self);
  st.watching = st.env->allowance->held_to() || st.serves_peers();
  if (st.watching)
    self->delayed_send(self, watch_interval, tick{});
}

/// Begins or reads on, for a peer as soon as own use and the share's rate let
/// it.
void go_on(self_pointer self, const key& id, fetch& x) {
  auto wait = x.ask.for_peer
                  ? self->state.env->allowance->wait(x.place, now_of(self))
                  : duration::zero();
  if (wait > duration::zero())
    self->delayed_send(self, wait, fetch_resumed{id.second, id.first});
  else if (x.exchange)
    read_on(self, id, x);
  else
    open_exchange(self, id, x);
}

// -- fetching -----------------------------------------------------------------

/// Where a redirect leads, if it is one that may be followed for a peer: what
/// it has asked for by TLS nobody on the way may see or change.
std::optional<url> redirect_of(const fetch& x, const response_head& head) {
  auto location = head.fields.find("Location");
  bool moved = head.status == 301 || head.status == 302 || head.status == 303
               || head.status == 307 || head.status == 308;
  if (!moved || !location || !x.ask.for_peer || x.redirects >= max_redirects)
    return std::nullopt;
  auto out = resolve_reference(x.target, *location);
  if (!out || (x.target.scheme == "https" && out->scheme != "https"))
    return std::nullopt;
  return *out;
}

void on_fetch_chunk(self_pointer self, fetch_chunk& msg) {
  auto& st = self->state;
  key id{caf::actor_cast<caf::actor_addr>(msg.sink), msg.lease};
  fetch x;
  x.target = msg.source->request.target;
  if (auto rest = rest_of(self, x.target);
      msg.for_peer && rest > duration::zero()) {
    tell(msg.sink, chunk_settled{msg.lease, st.env->id_of(*st.line),
                                 chunk_failure::busy, asked_to_wait, rest});
    return;
  }
  x.at = msg.range.begin;
  x.place = st.env->allowance->place();
  if (!fetches_for(st, id.first))
    self->monitor(msg.sink);
  x.ask = std::move(msg);
  auto [i, added] = st.fetches.insert_or_assign(id, std::move(x));
  st.line->fetching = st.fetches.size();
  if (i->second.ask.for_peer && st.env->config.own_first && !st.watching)
    watch_own_use(self);
  go_on(self, id, i->second);
}

void on_cancel_chunk(self_pointer self, const cancel_chunk& msg) {
  settle(self, key{caf::actor_cast<caf::actor_addr>(msg.sink), msg.lease},
         chunk_failure::cancelled, "cancelled");
}

void on_fetch_answered(self_pointer self, const fetch_answered& msg) {
  auto& st = self->state;
  key id{msg.sink, msg.lease};
  auto i = st.fetches.find(id);
  if (i == st.fetches.end())
    return;
  auto& x = i->second;
  if (is_turned_away(self, id, x, msg.outcome)) {
    turn_away(self, id, x, msg.outcome);
    return;
  }
  if (!msg.outcome) {
    fail(self, id, msg.outcome.error());
    return;
  }
  auto& head = *msg.outcome;
  if (auto to = redirect_of(x, head)) {
    x.target = *to;
    ++x.redirects;
    if (!st.env->sharing->may_fetch(*to))
      fail(self, id,
           make_error(errc::policy_refused,
                      std::string{to_string(sharing_obstacle::host)}));
    else if (auto rest = rest_of(self, x.target); rest > duration::zero())
      settle(self, id, chunk_failure::busy, asked_to_wait, rest);
    else
      open_exchange(self, id, x);
    return;
  }
  if (auto good = check_range_response(head, x.ask.range, x.ask.source->rep);
      !good) {
    if (good.error().code == errc::origin_refused && is_passing(head.status))
      settle(self, id, chunk_failure::unavailable, to_string(good.error()));
    else
      fail(self, id, good.error());
    return;
  }
  x.status = head.status;
  x.rep = representation_of(head);
  read_on(self, id, x);
}

void on_fetch_read(self_pointer self, const fetch_read& msg) {
  auto& st = self->state;
  key id{msg.sink, msg.lease};
  auto i = st.fetches.find(id);
  if (i == st.fetches.end())
    return;
  auto& x = i->second;
  if (!msg.outcome) {
    fail(self, id, msg.outcome.error());
    return;
  }
  auto& part = *msg.outcome;
  auto size = part.bytes.size();
  if (size > x.ask.range.end - x.at) {
    settle(self, id, chunk_failure::mismatch, "more bytes than announced");
    return;
  }
  if (x.ask.for_peer)
    count_taken(self, x, size);
  (x.ask.for_peer ? st.line->peer_bytes : st.line->own_bytes) += size;
  auto offset = std::exchange(x.at, x.at + size);
  tell(x.ask.sink, chunk_arrived{id.second, st.env->id_of(*st.line), offset,
                                 part.bytes, true, x.status, x.rep});
  if (part.last) {
    if (x.at == x.ask.range.end)
      settle(self, id, std::nullopt, {});
    else
      settle(self, id, chunk_failure::unavailable, "body ended early");
    return;
  }
  go_on(self, id, x);
}

// -- the line -----------------------------------------------------------------

/// Only the first line is what a spine comes over; the others are sources like
/// peers, which may fail without an end to what is loaded.
void join_scheduler(self_pointer self) {
  auto& st = self->state;
  auto& env = *st.env;
  bool first = st.line == &env.lines.first();
  if (!first && !st.line->up)
    return;
  source_traits traits;
  traits.own = first;
  traits.line = !first;
  traits.stops = !first;
  env.scheduler.tell(source_joined{env.id_of(*st.line),
                                   caf::actor_cast<caf::strong_actor_ptr>(self),
                                   traits});
}

/// Nothing more comes over a line that has gone. What it had leased goes back
/// before it fails, so that it does not count as a failure.
void on_line_changed(self_pointer self, const line_changed& msg) {
  auto& st = self->state;
  auto& env = *st.env;
  if (st.line->up.exchange(msg.up) == msg.up)
    return;
  env.log(log_level::info,
          "line " + st.line->port.name + (msg.up ? " is back" : " has gone"));
  if (msg.up && st.line == &env.lines.first())
    return;
  if (msg.up) {
    st.line->rests_until = instant{};
    join_scheduler(self);
    return;
  }
  if (st.line == &env.lines.first())
    join_scheduler(self);
  else
    env.scheduler.tell(
        source_lost{st.line->id, caf::actor_cast<caf::strong_actor_ptr>(self)});
  std::vector<key> all;
  for (auto& [id, x] : st.fetches)
    all.push_back(id);
  for (auto& id : all)
    settle(self, id, chunk_failure::unavailable, "the line has gone");
}

} // namespace

bool wan_fetcher_state::serves_peers() const {
  return env->counters.exit_tunnels > 0
         || std::any_of(fetches.begin(), fetches.end(),
                        [](auto& x) { return x.second.ask.for_peer; });
}

wan_fetcher_actor::behavior_type wan_fetcher_behavior(self_pointer self,
                                                      environment_ptr env) {
  auto* first = &env->lines.first();
  return line_fetcher_behavior(self, std::move(env), first);
}

wan_fetcher_actor::behavior_type
line_fetcher_behavior(self_pointer self, environment_ptr env, wan_line* line) {
  auto& st = self->state;
  st.env = std::move(env);
  st.line = line;
  line->fetching = 0;
  st.env->counters.held_to = 0;
  self->set_down_handler(
      [self](caf::down_msg& x) { forget_sink(self, x.source); });
  join_scheduler(self);
  return {
      [self](fetch_chunk& msg) { on_fetch_chunk(self, msg); },
      [self](const cancel_chunk& msg) { on_cancel_chunk(self, msg); },
      [self](const fetch_answered& msg) { on_fetch_answered(self, msg); },
      [self](const fetch_read& msg) { on_fetch_read(self, msg); },
      [self](const fetch_resumed& msg) {
        auto i = self->state.fetches.find(key{msg.sink, msg.lease});
        if (i != self->state.fetches.end())
          go_on(self, i->first, i->second);
      },
      [self](const tick& msg) {
        auto& st = self->state;
        bool first = msg.generation != 0; // of a tunnel for a peer
        if (!first || (st.env->config.own_first && !st.watching))
          watch_own_use(self);
      },
      [self](const line_changed& msg) { on_line_changed(self, msg); },
      [self](scheduler_started) { join_scheduler(self); },
  };
}

} // namespace peapod
