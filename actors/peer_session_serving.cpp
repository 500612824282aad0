#include "actors/peer_session_serving.hpp"

#include "core/egress_tags.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace peapod {

namespace {

using self_pointer = peer_session_state::self_pointer;
using serving = peer_session_state::serving;

constexpr size_t max_serving = 6; ///< ranges fetched for one peer at a time
constexpr size_t max_queued = 16; ///< ranges that one peer may have waiting

/// Bytes that the kernel has not taken: above, nothing more is fetched.
constexpr uint64_t max_unwritten = 4_MiB;

void refuse(self_pointer self, ask_id id, const range_refusal& x) {
  auto& st = self->state;
  st.env->log(log_level::debug, "not fetched: " + x.text + label(st));
  st.link->refuse(id, x);
}

/// What a fetch that failed here is to the peer.
wire2::fetch_failure refusal_of(const chunk_settled& x) {
  switch (*x.failure) {
    case chunk_failure::refused:
      return x.forbidden ? wire2::fetch_failure::policy_refused
                         : wire2::fetch_failure::origin_refused;
    case chunk_failure::mismatch:
      return wire2::fetch_failure::mismatch;
    case chunk_failure::busy:
      return wire2::fetch_failure::throttled;
    case chunk_failure::unavailable:
      return wire2::fetch_failure::not_now;
    default:
      return wire2::fetch_failure::internal;
  }
}

void serve(self_pointer self, range_ask ask) {
  auto& st = self->state;
  auto target = parse_url(ask.url);
  if (!target || !st.env->config.share || ask.range.empty()
      || ask.range.size() > st.env->config.max_served_chunk) {
    refuse(self, ask.id,
           {wire2::fetch_failure::policy_refused,
            !target                 ? target.error().detail
            : !st.env->config.share ? "this device does not share"
                                    : "not a range that is served"});
    return;
  }
  auto share = st.env->sharing->ask(*st.peer, *target, ask.range.size());
  if (!share.pass) {
    refuse(self, ask.id,
           {share.failure(), share.text(), share.verdict.retry_after});
    return;
  }
  auto* line = st.env->lines.least_busy(now_of(self));
  auto fetcher = line ? line->fetcher.get() : wan_fetcher_actor{};
  auto reservation = byte_reservation::make(st.env->serving, ask.range.size());
  if (!fetcher || !reservation) {
    refuse(self, ask.id,
           {wire2::fetch_failure::not_now, "busy with other peers"});
    return;
  }
  auto source = std::make_shared<body_source>();
  source->id = ask.transfer;
  source->request.method = "GET";
  source->request.target = std::move(*target);
  source->rep = ask.expected.value_or(representation{});
  // A number of our own: the peer may use one of its again.
  auto lease = st.next_serve++;
  auto range = ask.range;
  st.serves.emplace(lease,
                    serving{std::move(ask), fetcher, std::move(*reservation),
                            std::move(share.pass)});
  tell(fetcher,
       fetch_chunk{lease, std::move(source), range,
                   caf::actor_cast<caf::strong_actor_ptr>(self), true});
}

/// Whether the next range has to wait until one before it has left: there is
/// no room for it now.
bool waits_for_room(const peer_session_state& st) {
  return (!st.serves.empty() || !st.unsent.empty())
         && st.queued.front().range.size() > st.env->serving->available();
}

} // namespace

std::string label(const peer_session_state& st) {
  auto who = st.peer ? to_string(*st.peer) : std::string{"unknown"};
  return " peer=" + who + " at=" + to_string(st.start.stream->remote());
}

uint64_t bytes_unwritten(const peer_session_state& st) {
  return std::accumulate(st.unwritten.begin(), st.unwritten.end(), uint64_t{0});
}

void serve_queued(self_pointer self) {
  auto& st = self->state;
  while (!st.queued.empty() && st.serves.size() < max_serving
         && bytes_unwritten(st) < max_unwritten && !st.link->is_closed()
         && !waits_for_room(st)) {
    auto ask = std::move(st.queued.front());
    st.queued.pop_front();
    serve(self, std::move(ask));
  }
}

void tell_offers(self_pointer self) {
  auto& st = self->state;
  auto now = st.env->sharing->offers(*st.peer);
  now.on = now.on && st.env->config.share;
  // What is left changes with each range.
  auto same = [&](wire2::sharing before) {
    before.left_today = now.left_today;
    return before == now;
  };
  if (st.told && same(*st.told))
    return;
  st.told = now;
  st.link->offer(now);
}

void tell_lines(self_pointer self) {
  auto& st = self->state;
  auto edition = st.env->lines.edition.load();
  if (!st.secure || std::exchange(st.told_edition, edition) == edition)
    return;
  egress_hasher hasher{st.env->self->key(), st.key};
  std::vector<egress_tags> now;
  for (auto& facts : st.env->lines.facts())
    now.push_back(hasher.tags_of(facts));
  bool nothing = std::ranges::count(now, egress_tags{}) == std::ssize(now);
  if (now == st.told_lines || (nothing && st.told_lines.empty()))
    return;
  st.told_lines = now;
  st.link->show_egress(now);
}

void take_request(self_pointer self, range_ask ask) {
  auto& st = self->state;
  if (st.queued.size() >= max_queued) {
    st.link->leave(wire2::goodbye_reason::misbehaved,
                   make_error(errc::peer_misbehaved, "too many requests"));
    return;
  }
  st.queued.push_back(std::move(ask));
  serve_queued(self);
}

void call_off_served(self_pointer self, ask_id id) {
  auto& st = self->state;
  std::erase_if(st.queued, [id](auto& x) { return x.id == id; });
  auto i = std::ranges::find_if(
      st.serves, [id](auto& kv) { return kv.second.ask.id == id; });
  if (i == st.serves.end())
    return;
  tell(i->second.fetcher,
       cancel_chunk{i->first, caf::actor_cast<caf::strong_actor_ptr>(self)});
  st.serves.erase(i);
  serve_queued(self);
}

void add_served(self_pointer self, const chunk_arrived& msg) {
  auto i = self->state.serves.find(msg.lease);
  if (i == self->state.serves.end())
    return;
  auto& x = i->second;
  x.pass->count(msg.bytes.size());
  auto offset = msg.offset;
  for (auto& piece : msg.bytes) {
    self->state.link->bring(x.ask.id, msg.status, msg.rep, offset, piece);
    offset += piece.size();
  }
}

void finish_served(self_pointer self, const chunk_settled& msg) {
  auto& st = self->state;
  auto node = st.serves.extract(msg.lease);
  if (node.empty())
    return;
  auto& x = node.mapped();
  if (msg.failure) {
    // The reason may name addresses that are none of the peer's business.
    st.env->log(log_level::debug, "not fetched: " + msg.reason + label(st));
    refuse(self, x.ask.id,
           {refusal_of(msg), std::string{to_string(*msg.failure)},
            msg.retry_after});
    x.reservation.reset();
  } else {
    st.bytes_to += x.ask.range.size();
    st.env->counters.served_bytes += x.ask.range.size();
    st.link->finish(x.ask.id);
    // Sent with the next pump, after what is queued before it.
    st.unsent.emplace_back(st.writes + 1, std::move(x.reservation));
  }
  serve_queued(self);
}

void forget_lost_fetches(self_pointer self) {
  auto& st = self->state;
  std::vector<lease_id> lost;
  for (auto& [lease, x] : st.serves)
    if (!st.env->lines.has(x.fetcher))
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
         && st.unsent.front().first <= st.writes - st.unwritten.size())
    st.unsent.pop_front();
}

} // namespace peapod
