#include "core/legacy_link.hpp"

#include "core/http_semantics.hpp"
#include "core/integrity.hpp"
#include "core/introduction.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

/// A peer takes so many requests at a time (PROTOCOL, Sessions); what was
/// called off counts until it is answered, because nothing can call it off.
constexpr std::ptrdiff_t max_called_off = 8;

/// Requests that may wait for the word on whether the peer is trusted.
constexpr size_t max_early = 16;

chunk_failure failure_of(const std::optional<nack_reason>& x) {
  switch (static_cast<nack_code>(x ? x->code : 0)) {
    case nack_code::refused:
      return chunk_failure::refused;
    case nack_code::mismatch:
      return chunk_failure::mismatch;
    case nack_code::busy:
      return chunk_failure::busy;
    default:
      return chunk_failure::unavailable;
  }
}

nack_code code_of(wire2::fetch_failure x) {
  switch (x) {
    case wire2::fetch_failure::policy_refused:
    case wire2::fetch_failure::origin_refused:
      return nack_code::refused;
    case wire2::fetch_failure::mismatch:
      return nack_code::mismatch;
    case wire2::fetch_failure::throttled:
      return nack_code::busy;
    default:
      return nack_code::unavailable;
  }
}

} // namespace

legacy_link::legacy_link(const identity& self, session_config config)
  : self_(&self), core_(self, std::move(config)) {}

// -- the connection -----------------------------------------------------------

void legacy_link::start(instant now) {
  core_.start(now);
  pump();
}

void legacy_link::receive(const slice& bytes, instant now) {
  core_.receive(bytes, now);
  pump();
}

void legacy_link::admit(bool yes, instant now) {
  core_.admit(yes, now);
  pump();
}

void legacy_link::trust(bool yes, instant) {
  if (!opened_ || core_.is_closed())
    return;
  if (!yes)
    core_.close(make_error(errc::policy_refused,
                           "it speaks protocol 1 only: [transport] legacy and "
                           "[trust] legacy-devices would allow it"));
  else if (!std::exchange(ready_, true)) {
    emit(link_ready{});
    for (auto& x : std::exchange(early_, {}))
      on(x, true);
  }
  pump();
}

void legacy_link::leave(wire2::goodbye_reason why, error reason) {
  if (why == wire2::goodbye_reason::leaving)
    (void)core_.send(peapod::leave{self_->device()});
  core_.close(std::move(reason));
  pump();
}

std::optional<instant> legacy_link::deadline() const {
  return core_.deadline();
}

void legacy_link::expire(instant now) {
  core_.expire(now);
  pump();
}

bool legacy_link::is_closed() const {
  return core_.is_closed();
}

void legacy_link::pump() {
  while (auto action = core_.poll()) {
    if (auto* x = std::get_if<message_received>(&*action)) {
      if (!opened_)
        open(x->message);
      auto matches = x->hash_matches;
      std::visit([&](auto& it) { on(it, matches); }, x->message);
    } else if (auto* y = std::get_if<session_established>(&*action)) {
      device_ = y->device;
      key_ = y->key;
    } else if (auto* z = std::get_if<write_bytes>(&*action)) {
      emit(std::move(*z));
    } else if (auto* p = std::get_if<peer_identified>(&*action)) {
      emit(*p);
    } else {
      emit(std::get<session_closed>(*action));
    }
  }
}

/// The first message proves the key and tells ours from foreign daemons.
void legacy_link::open(const wire_message& first) {
  opened_ = true;
  link_opened out;
  if (auto beat = std::get_if<heartbeat>(&first); beat && beat->hello) {
    foreign_ = false;
    has_views_ = (beat->hello->capabilities & capability_view) != 0;
    out.name = beat->hello->name;
    if (beat->hello->highest_protocol >= newest_protocol)
      core_.close(make_error(errc::peer_misbehaved,
                             "it could speak protocol 2: something in between "
                             "asks for less"));
  }
  out.device = device_;
  out.key = key_;
  out.foreign = foreign_;
  out.has_views = has_views_;
  emit(std::move(out));
}

/// Lets the session take frames as large as what is being waited for.
void legacy_link::limit_frames() {
  uint64_t largest = awaits_view_ ? max_view_size : 0;
  for (auto& [id, x] : wants_)
    largest = std::max(largest, x.what.range.size());
  core_.set_frame_limit(largest > 0 ? frame_limit_for(largest)
                                    : min_frame_limit);
}

// -- what we want -------------------------------------------------------------

/// Whether the peer has not yet answered too much of what was called off.
bool legacy_link::is_behind() const {
  return std::ranges::count_if(wants_,
                               [](auto& kv) { return kv.second.called_off; })
         >= max_called_off;
}

result<void> legacy_link::ask(const range_ask& x) {
  if (!ready_)
    return make_error(errc::connection_closed, "the session does not stand");
  if (is_behind())
    return make_error(errc::limit_reached,
                      "it still brings what was called off");
  chunk_request out;
  out.transfer = x.transfer;
  out.range = x.range;
  out.url = x.url;
  if (!foreign_)
    out.expected = x.expected;
  auto sent = core_.send(out);
  if (sent) {
    wants_.emplace(x.id, wanted{x});
    limit_frames();
  }
  pump();
  return sent;
}

void legacy_link::call_off(ask_id id) {
  if (auto i = wants_.find(id); i != wants_.end())
    i->second.called_off = true;
}

std::map<ask_id, legacy_link::wanted>::iterator
legacy_link::find(const transfer_id& transfer, byte_range range) {
  // A range that was called off may have been asked for again meanwhile: the
  // first answer belongs to who still waits.
  auto found = wants_.end();
  for (auto i = wants_.begin(); i != wants_.end(); ++i) {
    auto& what = i->second.what;
    if (what.transfer == transfer && what.range == range
        && (found == wants_.end() || found->second.called_off))
      found = i;
  }
  return found;
}

void legacy_link::settle(std::map<ask_id, wanted>::iterator i,
                         std::optional<chunk_failure> failure,
                         std::string reason) {
  if (!i->second.called_off)
    emit(range_ended{i->first, failure, std::move(reason)});
  wants_.erase(i);
  limit_frames();
}

void legacy_link::on(chunk_data& x, bool hash_matches) {
  auto i = find(x.transfer, x.range);
  if (i == wants_.end())
    return;
  auto& what = i->second.what;
  if (!hash_matches) {
    if (!foreign_)
      (void)core_.send(nack{x.transfer, x.range,
                            nack_reason{4, "the payload has another hash"}});
    return settle(i, chunk_failure::integrity, "wrong hash");
  }
  if (x.payload.size() != what.range.size())
    return settle(i, chunk_failure::refused, "a payload of another size");
  // A foreign peer cannot tell what version it brings.
  auto is_right = [&] {
    return x.origin && x.origin->status == 206
           && x.origin->origin_offset == what.range.begin && what.expected
           && same_representation(*what.expected, x.origin->rep);
  };
  if (!foreign_ && !is_right())
    return settle(i, chunk_failure::mismatch,
                  "its origin has another representation");
  if (!i->second.called_off)
    emit(range_arrived{i->first, x.range.begin, x.payload, !foreign_});
  settle(i, std::nullopt);
}

void legacy_link::on(nack& x, bool) {
  auto i = find(x.transfer, x.range);
  if (i != wants_.end())
    settle(i, failure_of(x.reason),
           x.reason ? x.reason->text : "refused without a reason");
}

result<void> legacy_link::ask_view() {
  if (!has_views_)
    return make_error(errc::not_allowed, "it does not show its actors");
  awaits_view_ = true;
  limit_frames();
  auto sent = core_.send(join{self_->device(), view_extension{}});
  pump();
  return sent;
}

// -- what the peer wants ------------------------------------------------------

void legacy_link::on(chunk_request& x, bool) {
  if (!ready_) {
    // It need not know that we are still making up our mind.
    early_.push_back(std::move(x));
    if (early_.size() > max_early)
      core_.close(make_error(errc::peer_misbehaved, "too many requests"));
    return;
  }
  range_ask ask;
  ask.id = next_serve_++;
  ask.transfer = x.transfer;
  ask.range = x.range;
  ask.url = x.url.value_or("");
  ask.expected = x.expected;
  serves_.emplace(ask.id, served{std::move(x)});
  emit(range_asked{std::move(ask)});
}

void legacy_link::bring(ask_id id, unsigned status, const representation& found,
                        uint64_t, const slice& bytes) {
  auto i = serves_.find(id);
  if (i == serves_.end())
    return;
  auto& x = i->second;
  if (x.bytes.empty())
    x.bytes.reserve(x.what.range.size());
  x.status = status;
  x.found = found;
  x.bytes.insert(x.bytes.end(), bytes.data(), bytes.data() + bytes.size());
}

void legacy_link::finish(ask_id id) {
  auto node = serves_.extract(id);
  if (node.empty())
    return;
  auto& x = node.mapped();
  chunk_data out;
  out.transfer = x.what.transfer;
  out.range = x.what.range;
  out.hash = sha256(x.bytes);
  out.payload = slice{std::move(x.bytes)};
  if (!foreign_)
    out.origin = chunk_origin{static_cast<uint16_t>(x.status), x.found,
                              x.what.range.begin};
  (void)core_.send(out);
  pump();
}

void legacy_link::refuse(ask_id id, const range_refusal& x) {
  auto node = serves_.extract(id);
  if (node.empty())
    return;
  auto& what = node.mapped().what;
  // A foreign daemon takes a Nack for silence and loses its client; when the
  // session ends it asks somebody else.
  if (foreign_)
    core_.close(make_error(errc::policy_refused, x.text));
  else
    (void)core_.send(
        nack{what.transfer, what.range,
             nack_reason{static_cast<uint16_t>(code_of(x.why)), x.text}});
  pump();
}

void legacy_link::show_view(std::string text) {
  if (text.size() > max_view_size)
    text = "[]"; // better than the end of the session
  (void)core_.send(join{self_->device(), view_extension{view_extension::answer,
                                                        std::move(text)}});
  pump();
}

void legacy_link::offer(const wire2::sharing&) {
  // Protocol 1 has no words for it.
}

// -- the rest -----------------------------------------------------------------

void legacy_link::on(join& x, bool) {
  if (!x.view)
    return;
  if (x.view->what == view_extension::answer) {
    awaits_view_ = false;
    limit_frames();
    emit(view_shown{std::move(x.view->text)});
  } else if (ready_) {
    emit(view_asked{});
  }
}

void legacy_link::on(struct leave&, bool) {
  emit(peer_left{});
  core_.close(make_error(errc::connection_closed, "it left"));
}

} // namespace peapod
