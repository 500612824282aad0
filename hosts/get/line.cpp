#include "hosts/get/line.hpp"

#include "core/http_semantics.hpp"

#include <algorithm>
#include <chrono>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = line_state::self_pointer;
using key = line_state::key;
using fetch = line_state::fetch;

constexpr size_t piece_size = 256_KiB;
constexpr auto patience = 20s;

chunk_failure failure_of(const error& x) {
  switch (x.code) {
    case errc::mismatch:
      return chunk_failure::mismatch;
    case errc::bad_http:
    case errc::origin_refused:
    case errc::certificate_refused:
    case errc::tls_failed:
      return chunk_failure::refused;
    default:
      return chunk_failure::unavailable;
  }
}

void settle(self_pointer self, const key& id,
            std::optional<chunk_failure> failure, std::string reason,
            std::optional<duration> retry_after = std::nullopt) {
  auto& st = self->state;
  auto i = st.fetches.find(id);
  if (i == st.fetches.end())
    return;
  auto sink = i->second.ask.sink;
  st.fetches.erase(i);
  chunk_settled out;
  out.lease = id.second;
  out.source = st.start.id;
  out.failure = failure;
  out.reason = std::move(reason);
  out.retry_after = retry_after;
  tell(sink, std::move(out));
}

void fail(self_pointer self, const key& id, const error& why) {
  auto& st = self->state;
  if (why.code == errc::certificate_refused)
    self->send(st.start.keeper, line_distrusted{st.start.id, why});
  else if (failure_of(why) == chunk_failure::unavailable)
    self->send(st.start.keeper, line_troubled{});
  settle(self, id, failure_of(why), to_string(why));
}

/// Whether the server wants fewer requests, or later.
bool is_turned_away(self_pointer self, const response_head& head) {
  return head.status == 429
         || (head.status == 503
             && (retry_after(head) || self->state.fetches.size() > 1));
}

/// A status that a later try may change (RFC 9110, 15.5.9, 15.6).
bool is_passing(unsigned status) {
  return status == 408 || status >= 500;
}

void read_on(self_pointer self, const key& id, fetch& x) {
  x.exchange->read_body(
      piece_size, send_back(self, [id](result<body_part> outcome) {
        return fetch_read{id.second, id.first, std::move(outcome)};
      }));
}

void on_fetch_chunk(self_pointer self, fetch_chunk& msg) {
  auto& st = self->state;
  key id{caf::actor_cast<caf::actor_addr>(msg.sink), msg.lease};
  auto head =
      make_range_request(msg.source->request, msg.range, msg.source->rep);
  exchange_options options;
  options.fresh_connection = msg.fresh;
  options.idle_timeout = patience;
  fetch x;
  x.at = msg.range.begin;
  x.ask = std::move(msg);
  x.exchange = st.start.http->open(std::move(head), options);
  x.exchange->read_head(send_back(self, [id](result<response_head> outcome) {
    return fetch_answered{id.second, id.first, std::move(outcome)};
  }));
  st.fetches.insert_or_assign(id, std::move(x));
}

void on_fetch_answered(self_pointer self, const fetch_answered& msg) {
  auto& st = self->state;
  key id{msg.sink, msg.lease};
  auto i = st.fetches.find(id);
  if (i == st.fetches.end())
    return;
  if (!msg.outcome)
    return fail(self, id, msg.outcome.error());
  auto& head = *msg.outcome;
  auto& x = i->second;
  if (is_turned_away(self, head))
    return settle(self, id, chunk_failure::busy,
                  "status " + std::to_string(head.status), retry_after(head));
  if (auto good = check_range_response(head, x.ask.range, x.ask.source->rep);
      !good) {
    if (good.error().code == errc::origin_refused && is_passing(head.status))
      return settle(self, id, chunk_failure::unavailable,
                    to_string(good.error()));
    return fail(self, id, good.error());
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
  if (!msg.outcome)
    return fail(self, id, msg.outcome.error());
  auto& x = i->second;
  auto& part = *msg.outcome;
  auto size = part.bytes.size();
  if (size > x.ask.range.end - x.at)
    return settle(self, id, chunk_failure::mismatch,
                  "more bytes than announced");
  auto offset = std::exchange(x.at, x.at + size);
  if (auto writer = st.start.desk->find(x.ask.source->id))
    self->send(writer, write_ahead{offset, part.bytes});
  tell(x.ask.sink, chunk_arrived{id.second, st.start.id, offset, part.bytes,
                                 true, x.status, x.rep});
  if (!part.last)
    return read_on(self, id, x);
  if (x.at == x.ask.range.end)
    settle(self, id, std::nullopt, {});
  else
    settle(self, id, chunk_failure::unavailable, "body ended early");
}

} // namespace

line_actor::behavior_type line_behavior(self_pointer self, environment_ptr env,
                                        line_start start) {
  auto& st = self->state;
  st.start = std::move(start);
  bool own = st.start.id == env->self->device();
  return {
      [self, own](fetch_chunk& msg) {
        auto& source = *msg.source;
        // A relay could read it, with all that the request says of its user.
        if (!own && source.request.target.scheme != "https")
          return tell(msg.sink,
                      chunk_settled{msg.lease, self->state.start.id,
                                    chunk_failure::refused,
                                    "only https goes through others"});
        on_fetch_chunk(self, msg);
      },
      [self](const cancel_chunk& msg) {
        settle(self, key{caf::actor_cast<caf::actor_addr>(msg.sink), msg.lease},
               chunk_failure::cancelled, "cancelled");
      },
      [self](const fetch_answered& msg) { on_fetch_answered(self, msg); },
      [self](const fetch_read& msg) { on_fetch_read(self, msg); },
  };
}

} // namespace peapod
