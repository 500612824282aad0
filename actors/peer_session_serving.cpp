#include "actors/peer_session_serving.hpp"

#include "core/integrity.hpp"

#include <utility>

namespace peapod {

namespace {

using self_pointer = peer_session_state::self_pointer;
using serving = peer_session_state::serving;

constexpr size_t max_serving = 4; ///< ranges fetched for one peer at a time
constexpr size_t max_queued = 16; ///< ranges that one peer may have waiting
constexpr size_t max_unwritten = 4;

nack_code code_of(chunk_failure x) {
  switch (x) {
    case chunk_failure::refused:
      return nack_code::refused;
    case chunk_failure::mismatch:
      return nack_code::mismatch;
    case chunk_failure::integrity:
      return nack_code::integrity;
    case chunk_failure::busy:
      return nack_code::busy;
    default:
      return nack_code::unavailable;
  }
}

void refuse(self_pointer self, const chunk_request& ask, chunk_failure why,
            const std::string& text) {
  auto& st = self->state;
  st.env->log(log_level::debug, "not fetched: " + text + label(st));
  // A foreign daemon takes a Nack for silence and loses its client; when the
  // session ends it asks somebody else.
  if (st.foreign)
    st.core->close(make_error(errc::policy_refused, text));
  else
    (void)st.core->send(
        nack{ask.transfer, ask.range,
             nack_reason{static_cast<uint16_t>(code_of(why)), text}});
}

void serve(self_pointer self, chunk_request ask) {
  auto& st = self->state;
  auto target = ask.url ? parse_url(*ask.url)
                        : result<url>{make_error(errc::bad_http, "no URL")};
  if (!target || !st.env->config.share || ask.range.empty()
      || ask.range.size() > st.env->config.max_served_chunk) {
    refuse(self, ask, chunk_failure::refused,
           !target                 ? target.error().detail
           : !st.env->config.share ? "this device does not share"
                                   : "not a range that is served");
    return;
  }
  auto share = st.env->sharing->ask(*st.peer, *target, ask.range.size());
  if (!share.pass) {
    refuse(self, ask, share.failure(), share.text());
    return;
  }
  auto fetcher = st.env->wan_fetcher.get();
  auto reservation = byte_reservation::make(st.env->serving, ask.range.size());
  if (!fetcher || !reservation) {
    refuse(self, ask, chunk_failure::unavailable, "busy with other peers");
    return;
  }
  auto source = std::make_shared<body_source>();
  source->id = ask.transfer;
  source->request.method = "GET";
  source->request.target = std::move(*target);
  source->rep = ask.expected.value_or(representation{});
  auto lease = st.next_serve++;
  auto range = ask.range;
  st.serves.emplace(lease, serving{std::move(ask),
                                   fetcher,
                                   std::move(*reservation),
                                   {},
                                   0,
                                   {},
                                   std::move(share.pass)});
  tell(fetcher,
       fetch_chunk{lease, std::move(source), range,
                   caf::actor_cast<caf::strong_actor_ptr>(self), true});
}

void send_served(self_pointer self, serving& x) {
  auto& st = self->state;
  chunk_data data;
  data.transfer = x.ask.transfer;
  data.range = x.ask.range;
  data.hash = sha256(x.bytes);
  data.payload = slice{std::move(x.bytes)};
  if (!st.foreign)
    data.origin =
        chunk_origin{static_cast<uint16_t>(x.status), x.rep, x.ask.range.begin};
  st.bytes_to += data.payload.size();
  st.env->counters.served_bytes += data.payload.size();
  (void)st.core->send(data);
  // Sent with the next pump, after what is queued before it.
  st.unsent.emplace_back(st.writes + 1, std::move(x.reservation));
}

} // namespace

std::string label(const peer_session_state& st) {
  auto who = st.peer ? to_string(*st.peer) : std::string{"unknown"};
  return " peer=" + who + " at=" + to_string(st.start.stream->remote());
}

void serve_queued(self_pointer self) {
  auto& st = self->state;
  while (!st.queued.empty() && st.serves.size() < max_serving
         && st.unwritten < max_unwritten && !st.core->is_closed()) {
    auto ask = std::move(st.queued.front());
    st.queued.pop_front();
    serve(self, std::move(ask));
  }
}

void take_request(self_pointer self, chunk_request ask) {
  auto& st = self->state;
  if (st.queued.size() >= max_queued) {
    st.core->close(make_error(errc::peer_misbehaved, "too many requests"));
    return;
  }
  st.queued.push_back(std::move(ask));
  serve_queued(self);
}

void add_served(self_pointer self, const chunk_arrived& msg) {
  auto i = self->state.serves.find(msg.lease);
  if (i == self->state.serves.end())
    return;
  auto& x = i->second;
  if (x.bytes.empty())
    x.bytes.reserve(x.ask.range.size());
  x.status = msg.status;
  x.rep = msg.rep;
  x.bytes.insert(x.bytes.end(), msg.bytes.data(),
                 msg.bytes.data() + msg.bytes.size());
  x.pass->count(msg.bytes.size());
}

void finish_served(self_pointer self, const chunk_settled& msg) {
  auto& st = self->state;
  auto i = st.serves.find(msg.lease);
  if (i == st.serves.end())
    return;
  auto x = std::move(i->second);
  st.serves.erase(i);
  if (msg.failure) {
    // The reason may name addresses that are none of the peer's business.
    st.env->log(log_level::debug, "not fetched: " + msg.reason + label(st));
    refuse(self, x.ask, *msg.failure, std::string{to_string(*msg.failure)});
  } else
    send_served(self, x);
  serve_queued(self);
}

/// A fetcher that failed answers nothing any more: what it was asked for is
/// refused, so that the peer asks again.
void forget_lost_fetches(self_pointer self) {
  auto& st = self->state;
  auto fetcher = st.env->wan_fetcher.get();
  std::vector<lease_id> lost;
  for (auto& [lease, x] : st.serves)
    if (x.fetcher != fetcher)
      lost.push_back(lease);
  for (auto lease : lost)
    finish_served(self, chunk_settled{lease,
                                      {},
                                      chunk_failure::unavailable,
                                      "the fetch was interrupted"});
}

void cancel_served(self_pointer self) {
  auto me = caf::actor_cast<caf::strong_actor_ptr>(self);
  for (auto& [lease, x] : self->state.serves)
    tell(x.fetcher, cancel_chunk{lease, me});
}

void give_back_sent(peer_session_state& st) {
  while (!st.unsent.empty()
         && st.unsent.front().first <= st.writes - st.unwritten)
    st.unsent.pop_front();
}

} // namespace peapod
