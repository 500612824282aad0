#include "core/secure_link.hpp"

#include "core/http_semantics.hpp"
#include "core/part_size.hpp"
#include "core/wire_message.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

using wire2::exchange_id;

uint32_t number(exchange_id id) {
  return static_cast<uint32_t>(id);
}

chunk_failure failure_of(wire2::fetch_failure x) {
  switch (x) {
    case wire2::fetch_failure::policy_refused:
    case wire2::fetch_failure::origin_refused:
      return chunk_failure::refused;
    case wire2::fetch_failure::mismatch:
      return chunk_failure::mismatch;
    case wire2::fetch_failure::throttled:
      return chunk_failure::busy;
    default:
      return chunk_failure::unavailable;
  }
}

/// Text that a message may carry.
std::string plain(std::string_view text) {
  return clean_text(text, wire2::max_detail_size);
}

static_assert(part_size <= wire2::max_part_size);

/// How often a peer may say what it offers between two looks at the clock: each
/// time is passed on to others, and is a line of the log.
constexpr size_t max_told = 32;

constexpr std::optional<std::chrono::seconds> no_wait = std::nullopt;

} // namespace

secure_link::secure_link(const identity& self, secure_session_config config,
                         random_source random, duration waiting_timeout)
  : role_(config.role),
    random_(random),
    waiting_timeout_(waiting_timeout),
    hashes_((config.self.capabilities & capability_unhashed) == 0),
    core_(self, std::move(config), std::move(random)),
    next_id_(role_ == session_role::initiator ? 2 : 1) {}

// -- the connection -----------------------------------------------------------

void secure_link::start(instant now) {
  core_.start(now);
  pump(now);
}

void secure_link::receive(const slice& bytes, instant now) {
  core_.receive(bytes, now);
  pump(now);
}

void secure_link::admit(bool yes, instant now) {
  core_.admit(yes);
  pump(now);
}

void secure_link::trust(bool yes, instant now) {
  if (!opened_ || core_.is_closed() || trusts_)
    return;
  if (yes) {
    trusts_ = true;
    say(wire2::welcome{});
    become_ready();
  } else {
    pair(now);
  }
  if (!is_ready() && !waits_since_)
    waits_since_ = now;
  pump(now);
}

void secure_link::leave(wire2::goodbye_reason why, error reason) {
  (void)core_.send(wire2::goodbye{why, plain(reason.detail)});
  core_.close(std::move(reason));
  pump({});
}

std::optional<instant> secure_link::deadline() const {
  auto out = core_.deadline();
  auto keep = [&](std::optional<instant> x) {
    if (x && (!out || *x < *out))
      out = x;
  };
  if (pairing_)
    keep(pairing_->deadline());
  if (waits_since_)
    keep(*waits_since_ + waiting_timeout_);
  return core_.is_closed() ? std::nullopt : out;
}

void secure_link::expire(instant now) {
  core_.expire(now);
  told_ = 0;
  if (pairing_) {
    pairing_->expire(now);
    pump_pairing();
  }
  if (waits_since_ && now >= *waits_since_ + waiting_timeout_)
    leave(wire2::goodbye_reason::refused,
          make_error(errc::timed_out, "nobody has accepted the device"));
  pump(now);
}

bool secure_link::is_closed() const {
  return core_.is_closed();
}

void secure_link::say(const wire2::message& x) {
  if (auto sent = core_.send(x); !sent)
    core_.close(sent.error());
}

void secure_link::misbehaves(std::string how) {
  leave(wire2::goodbye_reason::misbehaved,
        make_error(errc::peer_misbehaved, std::move(how)));
}

void secure_link::pump(instant now) {
  while (auto action = core_.poll()) {
    if (auto* x = std::get_if<secure_received>(&*action))
      std::visit([&](auto& it) { on(it, now); }, x->message);
    else if (auto* y = std::get_if<write_bytes>(&*action))
      emit(std::move(*y));
    else if (auto* z = std::get_if<peer_identified>(&*action))
      emit(*z);
    else if (auto* e = std::get_if<secure_established>(&*action))
      open(*e);
    else
      emit(std::get<session_closed>(*action));
  }
}

void secure_link::open(secure_established& x) {
  opened_ = true;
  hash_ = x.hash;
  hashes_ |= (x.peer.said.capabilities & capability_unhashed) == 0;
  has_views_ = (x.peer.said.capabilities & capability_view) != 0;
  has_tunnels_ = (x.peer.said.capabilities & capability_tunnels) != 0;
  link_opened out;
  out.device = x.peer.device;
  out.key = x.peer.key;
  out.name = std::move(x.peer.said.name);
  out.secure = true;
  out.has_views = has_views_;
  out.has_tunnels = has_tunnels_;
  emit(std::move(out));
  emit(offers_changed{x.peer.said.offers});
}

// -- trust --------------------------------------------------------------------

void secure_link::become_ready() {
  if (!is_ready())
    return;
  waits_since_.reset();
  emit(link_ready{});
}

void secure_link::pair(instant now) {
  if (pairing_)
    return;
  auto side = role_ == session_role::initiator ? noise::role::initiator
                                               : noise::role::responder;
  pairing_.emplace(side, hash_, random_);
  pairing_->start(now);
  pump_pairing();
}

void secure_link::pump_pairing() {
  while (auto action = pairing_->poll()) {
    if (auto* commit = std::get_if<wire2::pairing_commit>(&*action))
      say(*commit);
    else if (auto* reveal = std::get_if<wire2::pairing_reveal>(&*action))
      say(*reveal);
    else if (auto* code = std::get_if<pairing_code>(&*action))
      emit(code_known{*code});
    else
      core_.close(std::get<pairing_failed>(*action).reason);
  }
}

void secure_link::on(wire2::pairing_commit& x, instant now) {
  // The other side wants to compare, also when we need not.
  pair(now);
  pairing_->receive(x);
  pump_pairing();
}

void secure_link::on(wire2::pairing_reveal& x, instant) {
  if (!pairing_)
    return misbehaves("it reveals what it has not committed to");
  pairing_->receive(x);
  pump_pairing();
}

void secure_link::on(wire2::welcome&, instant) {
  if (!std::exchange(is_welcome_, true))
    become_ready();
}

// -- what we want -------------------------------------------------------------

result<void> secure_link::ask(const range_ask& x) {
  if (!is_ready())
    return make_error(errc::connection_closed, "the session does not stand");
  wire2::fetch out;
  out.id = exchange_id{next_id_};
  out.url = x.url;
  out.range = x.range;
  out.expected = x.expected.value_or(representation{});
  if (auto sent = core_.send(out); !sent)
    return make_error(errc::policy_refused, sent.error().detail);
  numbers_.emplace(x.id, next_id_);
  wants_.emplace(next_id_, wanted{x, x.range.begin, false, new_hash()});
  next_id_ += 2;
  pump({});
  return {};
}

void secure_link::call_off(ask_id id) {
  auto number = numbers_.extract(id);
  if (number.empty())
    return;
  wants_.erase(number.mapped());
  // Parts that are on their way find nobody.
  (void)core_.send(wire2::cancel{exchange_id{number.mapped()}});
  pump({});
}

/// What a range is hashed by. Each record is authenticated already, and who
/// brings a range cannot vouch for its origin: only a peer that does not know
/// better gets a hash, and is held to it (PROTOCOL, Ranges).
std::optional<sha256_hasher> secure_link::new_hash() const {
  if (hashes_)
    return sha256_hasher{};
  return std::nullopt;
}

secure_link::want_iterator secure_link::find(exchange_id id) {
  return wants_.find(number(id));
}

void secure_link::settle(want_iterator i, std::optional<chunk_failure> failure,
                         std::string reason,
                         std::optional<duration> retry_after) {
  auto id = i->second.what.id;
  numbers_.erase(id);
  wants_.erase(i);
  emit(range_ended{id, failure, std::move(reason), retry_after});
}

/// Ends a range that the peer would go on bringing.
void secure_link::give_up(want_iterator i, chunk_failure failure,
                          std::string reason) {
  (void)core_.send(wire2::cancel{exchange_id{i->first}});
  settle(i, failure, std::move(reason));
}

void secure_link::on(wire2::fetch_head& x, instant) {
  auto i = find(x.id);
  if (i == wants_.end())
    return;
  auto& what = i->second.what;
  if (x.status != 206 || x.range != what.range || !what.expected
      || !same_representation(*what.expected, x.found))
    return give_up(i, chunk_failure::mismatch,
                   "its origin has another representation");
  i->second.has_head = true;
}

void secure_link::on(wire2::part& x, instant) {
  auto i = find(x.id);
  if (i == wants_.end())
    return;
  auto& want = i->second;
  if (!want.has_head || x.offset != want.next
      || x.bytes.size() > want.what.range.end - want.next)
    return give_up(i, chunk_failure::refused, "parts of another range");
  if (want.hash)
    want.hash->update(x.bytes.bytes());
  want.next += x.bytes.size();
  emit(range_arrived{want.what.id, x.offset, std::move(x.bytes)});
}

void secure_link::on(wire2::fetch_done& x, instant) {
  auto i = find(x.id);
  if (i == wants_.end())
    return;
  auto& want = i->second;
  if (want.next != want.what.range.end)
    return settle(i, chunk_failure::refused, "a range that ends early");
  if (want.hash && want.hash->finish() != x.hash)
    return settle(i, chunk_failure::integrity, "wrong hash");
  settle(i, std::nullopt, {});
}

void secure_link::on(wire2::fetch_failed& x, instant) {
  auto i = find(x.id);
  if (i == wants_.end())
    return;
  std::optional<duration> rest;
  if (x.retry_after)
    rest = *x.retry_after;
  settle(i, failure_of(x.code), std::move(x.detail), rest);
}

result<void> secure_link::ask_view() {
  if (!has_views_)
    return make_error(errc::not_allowed, "it does not show its actors");
  if (!is_ready())
    return make_error(errc::connection_closed, "the session does not stand");
  awaits_view_ = true;
  view_.clear();
  auto sent = core_.send(wire2::view_question{});
  pump({});
  return sent;
}

void secure_link::on(wire2::view_piece& x, instant) {
  if (!awaits_view_)
    return;
  auto bytes = x.bytes.bytes();
  if (bytes.size() > max_view_size - view_.size())
    return misbehaves("its view is too long");
  view_.insert(view_.end(), bytes.begin(), bytes.end());
  if (!x.last)
    return;
  awaits_view_ = false;
  auto all = std::exchange(view_, {});
  emit(view_shown{std::string{all.begin(), all.end()}});
}

// -- what the peer wants ------------------------------------------------------

/// Whether the peer may ask for something under this number; else that was its
/// last word.
bool secure_link::may_ask(uint32_t id) {
  auto why = (id % 2 == 0) == (role_ == session_role::initiator)
                 ? "it uses our numbers"
             : !is_ready() ? "it asks before it is welcome"
             : serves_.contains(id) || tunnels_.contains(id)
                 ? "it uses a number twice"
                 : "";
  if (*why != '\0')
    misbehaves(why);
  return *why == '\0';
}

void secure_link::on(wire2::fetch& x, instant) {
  auto id = number(x.id);
  if (!may_ask(id))
    return;
  range_ask ask;
  ask.id = id;
  ask.range = x.range;
  ask.url = std::move(x.url);
  ask.expected = std::move(x.expected);
  serves_.emplace(id, served{ask, x.range.begin, false, new_hash()});
  emit(range_asked{std::move(ask)});
}

void secure_link::on(wire2::cancel& x, instant) {
  if (serves_.erase(number(x.id)) > 0)
    emit(ask_called_off{number(x.id)});
}

void secure_link::bring(ask_id id, unsigned status, const representation& found,
                        uint64_t offset, const slice& bytes) {
  auto i = serves_.find(static_cast<uint32_t>(id));
  if (i == serves_.end() || offset != i->second.next)
    return;
  auto& x = i->second;
  exchange_id to{i->first};
  if (!std::exchange(x.has_head, true)) {
    wire2::fetch_head head{to, static_cast<uint16_t>(status), found,
                           x.what.range};
    // An origin may say what no message has room for.
    if (auto sent = core_.send(head); !sent)
      return refuse(id, {wire2::fetch_failure::mismatch, sent.error().detail});
  }
  x.next += bytes.size();
  for (size_t at = 0; at < bytes.size(); at += part_size) {
    auto part = bytes.sub(at, part_size);
    if (x.hash)
      x.hash->update(part.bytes());
    say(wire2::part{to, offset + at, std::move(part)});
  }
  pump({});
}

void secure_link::finish(ask_id id) {
  auto node = serves_.extract(static_cast<uint32_t>(id));
  if (node.empty())
    return;
  auto& hash = node.mapped().hash;
  say(wire2::fetch_done{exchange_id{node.key()},
                        hash ? hash->finish() : digest{}});
  pump({});
}

void secure_link::refuse(ask_id id, const range_refusal& x) {
  auto node = serves_.extract(static_cast<uint32_t>(id));
  if (node.empty())
    return;
  auto rest = no_wait;
  if (x.retry_after)
    rest = std::chrono::ceil<std::chrono::seconds>(*x.retry_after);
  say(wire2::fetch_failed{exchange_id{node.key()}, x.why, rest, plain(x.text)});
  pump({});
}

void secure_link::on(wire2::view_question&, instant) {
  if (is_ready())
    emit(view_asked{});
}

void secure_link::show_view(std::string text) {
  if (text.empty() || text.size() > max_view_size)
    text = "[]"; // better than the end of the session
  slice all{text};
  for (size_t at = 0; at < all.size(); at += wire2::max_view_piece_size)
    say(wire2::view_piece{all.sub(at, wire2::max_view_piece_size),
                          at + wire2::max_view_piece_size >= all.size()});
  pump({});
}

void secure_link::offer(const wire2::sharing& x) {
  (void)core_.send(x);
  pump({});
}

void secure_link::show_egress(const std::vector<egress_tags>& lines) {
  if (!is_ready())
    return;
  wire2::egress out{lines};
  out.lines.resize(std::min(out.lines.size(), wire2::max_egress_lines));
  (void)core_.send(out);
  pump({});
}

void secure_link::on(wire2::egress& x, instant) {
  if (++told_ > max_told)
    return misbehaves("it changes its lines without end");
  if (is_ready())
    emit(egress_shown{std::move(x.lines)});
}

// -- tunnels ------------------------------------------------------------------

result<tunnel_number> secure_link::open_tunnel(const host_port& target) {
  if (!has_tunnels_)
    return make_error(errc::not_allowed, "it opens no tunnels");
  if (!is_ready())
    return make_error(errc::connection_closed, "the session does not stand");
  auto id = next_id_;
  if (auto sent = core_.send(
          wire2::open_tunnel{exchange_id{id}, target.host, target.port});
      !sent)
    return make_error(errc::policy_refused, sent.error().detail);
  tunnels_.add(id, true);
  next_id_ += 2;
  pump({});
  return id;
}

void secure_link::accept_tunnel(tunnel_number id) {
  if (!tunnels_.accept(id))
    return;
  say(wire2::tunnel_opened{exchange_id{id}});
  pump({});
}

void secure_link::send_through_tunnel(tunnel_number id, const slice& bytes) {
  if (!tunnels_.send(id, bytes.size()))
    return;
  for (size_t at = 0; at < bytes.size(); at += part_size)
    say(wire2::tunnel_data{exchange_id{id}, bytes.sub(at, part_size)});
  pump({});
}

void secure_link::take_from_tunnel(tunnel_number id, uint64_t bytes) {
  if (!tunnels_.grant(id, bytes))
    return;
  say(wire2::credit{exchange_id{id}, static_cast<uint32_t>(bytes)});
  pump({});
}

void secure_link::end_tunnel(tunnel_number id, wire2::tunnel_end how,
                             std::string detail) {
  if (!tunnels_.close(id, how))
    return;
  say(wire2::close_tunnel{exchange_id{id}, how, plain(detail)});
  pump({});
}

void secure_link::on(wire2::open_tunnel& x, instant) {
  auto id = number(x.id);
  if (!may_ask(id))
    return;
  tunnels_.add(id, false);
  emit(tunnel_asked{id, {std::move(x.host), x.port}});
}

/// Whether to go on with a message of a tunnel.
bool secure_link::is_good(tunnel_table::verdict x) {
  if (x == tunnel_table::verdict::wrong)
    misbehaves("it breaks the rules of tunnels");
  return x == tunnel_table::verdict::good;
}

void secure_link::on(wire2::tunnel_opened& x, instant) {
  if (is_good(tunnels_.opened(number(x.id))))
    emit(tunnel_stands{number(x.id)});
}

void secure_link::on(wire2::tunnel_data& x, instant) {
  if (is_good(tunnels_.data(number(x.id), x.bytes.size())))
    emit(tunnel_brought{number(x.id), std::move(x.bytes)});
}

void secure_link::on(wire2::credit& x, instant) {
  if (is_good(tunnels_.credit(number(x.id), x.bytes)))
    emit(tunnel_credited{number(x.id), x.bytes});
}

void secure_link::on(wire2::close_tunnel& x, instant) {
  if (is_good(tunnels_.closed(number(x.id), x.how)))
    emit(tunnel_closed{number(x.id), x.how, std::move(x.detail)});
}

// -- the rest -----------------------------------------------------------------

void secure_link::on(wire2::sharing& x, instant) {
  if (++told_ > max_told)
    return misbehaves("it changes what it offers without end");
  emit(offers_changed{x});
}

void secure_link::on(wire2::goodbye& x, instant) {
  if (x.reason == wire2::goodbye_reason::leaving)
    emit(peer_left{});
  auto why = x.detail.empty() ? "the peer ends the session" : x.detail;
  core_.close(make_error(errc::connection_closed, "it says: " + why));
}

} // namespace peapod
