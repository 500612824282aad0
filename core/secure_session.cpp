#include "core/secure_session.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

/// Answers to Pings between two looks at the clock: a peer that does not read
/// must not make us hold any number of them.
constexpr size_t max_pongs = 32;

write_bytes one(slice bytes) {
  write_bytes out;
  out.bytes.push_back(std::move(bytes));
  return out;
}

} // namespace

secure_session::secure_session(const identity& self,
                               secure_session_config config,
                               random_source random)
  : self_(&self), config_(std::move(config)), random_(std::move(random)) {}

// -- our side -----------------------------------------------------------------

void secure_session::start(instant now) {
  if (phase_ != phase::idle)
    return;
  if (config_.role == session_role::initiator && !config_.responder_key) {
    phase_ = phase::question;
    question_deadline_ = now + config_.handshake_timeout;
    actions_.push_back(one(slice{byte_buffer{key_question}}));
    return;
  }
  begin_handshake(now);
}

void secure_session::begin_handshake(instant now) {
  phase_ = phase::handshake;
  handshake_config x;
  x.role = config_.role == session_role::initiator ? noise::role::initiator
                                                   : noise::role::responder;
  x.self = config_.self;
  x.responder_key = config_.responder_key;
  x.psk = std::move(config_.psk);
  x.timeout = config_.handshake_timeout;
  handshake_.emplace(*self_, std::move(x), random_);
  handshake_->start(now);
  pump_handshake(now);
}

void secure_session::admit(bool yes) {
  if (!handshake_)
    return;
  handshake_->admit(yes);
  pump_handshake({});
}

result<void> secure_session::send(const wire2::message& x) {
  if (phase_ != phase::established)
    return make_error(errc::connection_closed, "there is no session");
  auto parts = wire2::encode(x);
  if (!parts)
    return parts.error();
  auto record =
      sealer_->seal({parts->head, parts->payload.bytes(), parts->tail});
  if (!record)
    return record.error();
  actions_.push_back(one(std::move(*record)));
  said_something_ = true;
  return {};
}

void secure_session::close(error reason) {
  if (std::exchange(phase_, phase::closed) == phase::closed)
    return;
  handshake_.reset();
  completed_.reset();
  sealer_.reset();
  opener_.reset();
  actions_.push_back(session_closed{std::move(reason)});
}

std::optional<secure_action> secure_session::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

// -- time ---------------------------------------------------------------------

std::optional<instant> secure_session::deadline() const {
  switch (phase_) {
    case phase::question:
      return question_deadline_;
    case phase::handshake:
    case phase::unconfirmed:
      return handshake_->deadline();
    case phase::established: {
      auto out = std::min(spoke_ + config_.keepalive_interval,
                          heard_ + config_.silence_timeout);
      if (record_started_)
        out = std::min(out, *record_started_ + config_.record_timeout);
      return out;
    }
    default:
      return std::nullopt;
  }
}

void secure_session::expire(instant now) {
  switch (phase_) {
    case phase::question:
      if (now >= question_deadline_)
        close(make_error(errc::timed_out, "it did not tell its key"));
      return;
    case phase::handshake:
    case phase::unconfirmed:
      handshake_->expire(now);
      pump_handshake(now);
      return;
    case phase::established:
      break;
    default:
      return;
  }
  if (std::exchange(said_something_, false))
    spoke_ = now;
  pongs_ = 0;
  if (now >= heard_ + config_.silence_timeout)
    close(make_error(errc::timed_out, "the peer fell silent"));
  else if (record_started_ && now >= *record_started_ + config_.record_timeout)
    close(make_error(errc::timed_out, "a message took too long to arrive"));
  else if (now >= spoke_ + config_.keepalive_interval)
    ping(now);
}

void secure_session::ping(instant now) {
  pinged_ = now;
  if (auto sent = send(wire2::ping{next_token_++}); !sent)
    close(sent.error());
  spoke_ = now;
  said_something_ = false;
}

// -- the peer's side ----------------------------------------------------------

void secure_session::receive(const slice& bytes, instant now) {
  auto in = bytes.bytes();
  while (!in.empty()) {
    switch (phase_) {
      case phase::question:
        receive_key(in, now);
        break;
      case phase::handshake:
        answer_question(in);
        if (!in.empty()) {
          handshake_->receive(in, now);
          pump_handshake(now);
        }
        break;
      case phase::unconfirmed:
      case phase::established:
        receive_record(in, now);
        break;
      default:
        return;
    }
  }
}

void secure_session::receive_key(std::span<const uint8_t>& in, instant now) {
  auto n = std::min(in.size(), public_key::size - key_.size());
  key_.insert(key_.end(), in.begin(), in.begin() + n);
  in = in.subspan(n);
  if (key_.size() < public_key::size)
    return;
  auto key = public_key::from(key_);
  auto device = derive_device_id(key);
  if (config_.expected_device.value_or(device) != device)
    return close(make_error(errc::policy_refused,
                            "device " + to_string(device)
                                + " answers instead of "
                                + to_string(*config_.expected_device)));
  config_.responder_key = key;
  begin_handshake(now);
}

/// A connector may ask once, before anything else.
void secure_session::answer_question(std::span<const uint8_t>& in) {
  if (config_.role == session_role::initiator
      || std::exchange(question_answered_, true) || in.front() != key_question)
    return;
  in = in.subspan(1);
  auto& key = self_->key().bytes;
  actions_.push_back(one(slice{byte_buffer(key.begin(), key.end())}));
}

void secure_session::pump_handshake(instant now) {
  while (handshake_) {
    auto action = handshake_->poll();
    if (!action)
      return;
    if (auto* x = std::get_if<handshake_bytes>(&*action)) {
      actions_.push_back(one(std::move(x->bytes)));
    } else if (auto* y = std::get_if<handshake_asked>(&*action)) {
      actions_.push_back(peer_identified{y->peer.device, y->peer.key});
    } else if (auto* z = std::get_if<handshake_completed>(&*action)) {
      sealer_.emplace(std::move(z->keys.send));
      opener_.emplace(std::move(z->keys.receive));
      completed_ = std::move(*z);
      phase_ = phase::unconfirmed;
    } else if (auto* failed = std::get_if<handshake_failed>(&*action)) {
      close(std::move(failed->reason));
    } else {
      phase_ = phase::established;
      handshake_.reset();
      spoke_ = heard_ = now;
      actions_.push_back(
          secure_established{std::move(completed_->peer), completed_->hash});
      completed_.reset();
      // Our first record is what proves us to a responder.
      ping(now);
    }
  }
}

void secure_session::receive_record(std::span<const uint8_t>& in, instant now) {
  heard_ = now;
  auto text = opener_->read(in);
  if (!text)
    return close(text.error());
  if (*text) {
    record_started_.reset();
    take_record(**text, now);
  } else if (!record_started_) {
    record_started_ = now;
  }
}

void secure_session::take_record(const slice& text, instant now) {
  if (phase_ == phase::unconfirmed) {
    handshake_->record_opened();
    pump_handshake(now);
  }
  auto x = wire2::decode(text);
  if (!x)
    return close(x.error());
  if (x->content)
    deliver(std::move(*x->content), now);
}

void secure_session::deliver(wire2::message x, instant now) {
  if (auto* question = std::get_if<wire2::ping>(&x)) {
    if (++pongs_ > max_pongs)
      return close(misbehaved("it pings without end"));
    if (auto sent = send(wire2::pong{question->token}); !sent)
      close(sent.error());
  } else if (auto* answer = std::get_if<wire2::pong>(&x)) {
    if (pinged_ && answer->token + 1 == next_token_)
      round_trip_ = now - *std::exchange(pinged_, std::nullopt);
  } else {
    actions_.push_back(secure_received{std::move(x)});
  }
}

} // namespace peapod
