#include "core/session.hpp"

#include "core/integrity.hpp"

#include <algorithm>

namespace peapod {

namespace {

/// The device that a message speaks for, if it says so.
const device_id* speaker_of(const wire_message& x) {
  return std::visit(
      [](const auto& message) -> const device_id* {
        if constexpr (requires { message.device; })
          return &message.device;
        else
          return nullptr;
      },
      x);
}

bool is_discovery(const wire_message& x) {
  return std::holds_alternative<beacon>(x)
         || std::holds_alternative<discovery_response>(x);
}

} // namespace

session::session(const identity& self, session_config config)
  : self_(&self), config_(std::move(config)) {}

// -- our side -----------------------------------------------------------------

void session::start(instant now) {
  if (phase_ != phase::idle)
    return;
  phase_ = phase::handshake;
  handshake_deadline_ = now + config_.handshake_timeout;
  header_.reserve(hello_size);
  if (config_.role == session_role::initiator) {
    auto bytes = encode_hello(*self_);
    actions_.push_back(
        write_bytes{{slice{byte_buffer(bytes.begin(), bytes.end())}}});
  }
}

void session::admit(bool yes, instant now) {
  if (phase_ != phase::admission)
    return;
  if (!yes) {
    close(make_error(errc::policy_refused, "the device is not admitted"));
    return;
  }
  auto bytes = encode_hello(*self_);
  actions_.push_back(
      write_bytes{{slice{byte_buffer(bytes.begin(), bytes.end())}}});
  establish(now);
}

result<void> session::send(const wire_message& x) {
  if (phase_ != phase::established)
    return make_error(errc::connection_closed, "there is no session");
  auto parts = encode_frame_parts(x);
  if (!parts)
    return parts.error();
  auto record =
      sealer_->seal({parts->head, parts->payload.bytes(), parts->tail});
  if (!record)
    return record.error();
  actions_.push_back(write_bytes{{std::move(*record)}});
  return {};
}

void session::close(error reason) {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  header_ = {};
  body_ = {};
  actions_.push_back(session_closed{std::move(reason)});
}

std::optional<session_action> session::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

void session::set_frame_limit(size_t bytes) {
  frame_limit_ = std::clamp<size_t>(bytes, min_frame_limit, max_message_size);
}

size_t frame_limit_for(uint64_t payload) {
  return static_cast<size_t>(std::min<uint64_t>(payload, max_message_size)
                             + min_frame_limit);
}

// -- time ---------------------------------------------------------------------

std::optional<instant> session::deadline() const {
  switch (phase_) {
    case phase::handshake:
    case phase::admission:
      return handshake_deadline_;
    case phase::established: {
      auto out = std::min(next_heartbeat_,
                          last_sign_of_life_ + config_.silence_timeout);
      if (frame_started_)
        out = std::min(out, *frame_started_ + config_.frame_timeout);
      return out;
    }
    default:
      return std::nullopt;
  }
}

void session::expire(instant now) {
  if (phase_ == phase::handshake || phase_ == phase::admission) {
    if (now >= handshake_deadline_)
      close(make_error(errc::timed_out, "the handshake took too long"));
    return;
  }
  if (phase_ != phase::established)
    return;
  if (now >= last_sign_of_life_ + config_.silence_timeout)
    close(make_error(errc::timed_out, "the peer fell silent"));
  else if (frame_started_ && now >= *frame_started_ + config_.frame_timeout)
    close(make_error(errc::timed_out, "a message took too long to arrive"));
  else if (now >= next_heartbeat_)
    send_heartbeat(now);
}

void session::send_heartbeat(instant now) {
  heartbeat x{.device = self_->device(), .hello = {}};
  if (!hello_sent_)
    x.hello = config_.hello;
  hello_sent_ = true;
  next_heartbeat_ = now + config_.heartbeat_interval;
  if (auto sent = send(x); !sent)
    close(sent.error());
}

// -- the peer's side ----------------------------------------------------------

void session::receive(const slice& bytes, instant now) {
  auto in = bytes.bytes();
  while (!in.empty()) {
    switch (phase_) {
      case phase::handshake:
        receive_hello(in, now);
        break;
      case phase::established:
        receive_frame(in, now);
        break;
      case phase::admission:
        close(misbehaved("the peer sent more than its handshake"));
        return;
      default:
        return;
    }
  }
}

/// Moves bytes from `in` to `into` until that has `size` of them.
void session::take(std::span<const uint8_t>& in, byte_buffer& into,
                   size_t size) {
  auto n = std::min(in.size(), size - into.size());
  into.insert(into.end(), in.begin(), in.begin() + n);
  in = in.subspan(n);
}

void session::receive_hello(std::span<const uint8_t>& in, instant now) {
  take(in, header_, hello_size);
  // Do not wait for 49 bytes of something else.
  if (header_[0] != hello{}.version)
    close(misbehaved("the peer does not speak protocol 1"));
  else if (header_.size() == hello_size)
    finish_hello(now);
}

void session::finish_hello(instant now) {
  auto peer = decode_hello(header_);
  header_.clear();
  if (!peer)
    return close(peer.error());
  if (peer->key == self_->key())
    return close(misbehaved("the peer claims to be us"));
  if (config_.expected_device && peer->device != *config_.expected_device)
    return close(misbehaved("another device than expected answered"));
  auto key = derive_session_key(*self_, peer->key);
  if (!key)
    return close(key.error());
  peer_ = *peer;
  key_ = std::move(*key);
  if (config_.role == session_role::initiator)
    return establish(now);
  phase_ = phase::admission;
  actions_.push_back(peer_identified{peer_.device, peer_.key});
}

void session::establish(instant now) {
  phase_ = phase::established;
  sealer_.emplace(key_);
  opener_.emplace(key_);
  key_ = {};
  last_sign_of_life_ = now;
  actions_.push_back(session_established{peer_.device, peer_.key});
  send_heartbeat(now);
}

void session::receive_frame(std::span<const uint8_t>& in, instant now) {
  if (!frame_started_)
    frame_started_ = now;
  last_sign_of_life_ = now;
  if (header_.size() < frame_header_size) {
    take(in, header_, frame_header_size);
    if (header_.size() < frame_header_size)
      return;
    body_size_ = read_frame_length(header_);
    if (body_size_ < seal_tag_size)
      return close(misbehaved("a frame is too short"));
    if (body_size_ > frame_limit_)
      return close(misbehaved("a frame is longer than anything asked for"));
    // Address space; memory only as bytes arrive. The limit bounds it.
    body_.reserve(body_size_);
  }
  take(in, body_, body_size_);
  if (body_.size() == body_size_)
    finish_frame(now);
}

void session::finish_frame(instant now) {
  auto text = opener_->open(body_);
  if (!text)
    return close(text.error());
  auto size = text->size();
  slice record{std::move(body_)};
  body_ = {};
  header_.clear();
  frame_started_.reset();
  last_sign_of_life_ = now;
  auto frame = decode_frame(record.sub(0, size));
  if (!frame)
    return close(frame.error());
  if (!*frame)
    return close(misbehaved("a frame is shorter than its message"));
  deliver(std::move((*frame)->message));
}

void session::deliver(wire_message x) {
  // Discovery has its own channel; here it says nothing.
  if (is_discovery(x))
    return;
  if (const auto* device = speaker_of(x); device && *device != peer_.device)
    return close(misbehaved("the peer speaks for another device"));
  bool matches = true;
  if (const auto* chunk = std::get_if<chunk_data>(&x))
    matches = sha256(chunk->payload.bytes()) == chunk->hash;
  actions_.push_back(message_received{std::move(x), matches});
}

} // namespace peapod
