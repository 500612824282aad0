#include "core/handshake.hpp"

#include <algorithm>
#include <array>

namespace peapod {

namespace {

using bytes_view = std::span<const uint8_t>;

/// What both sides must agree on before the first message.
constexpr std::string_view prologue = "peapod/2";

/// Bytes of a message's length.
constexpr size_t length_size = 2;

/// The first message without a payload: e, s and two tags. The second one
/// without a payload, e and a tag, is shorter.
constexpr std::array<size_t, 2> shortest = {32 + 32 + 16 + 16, 32 + 16};

/// What a message that Noise refuses means here.
error explain(error why, noise::role side) {
  if (why.code != errc::integrity_failed)
    return why;
  why.detail = side == noise::role::responder
                   ? "the handshake is for another device's key, of another "
                     "protocol, or was changed on its way"
                   : "the answer to the handshake does not authenticate: the "
                     "pod secrets differ, or it was changed on its way";
  return why;
}

result<noise::handshake_state> make_state(const identity& self,
                                          handshake_config& config,
                                          random_source random) {
  noise::handshake_keys keys;
  keys.side = config.role;
  keys.prologue.assign(prologue.begin(), prologue.end());
  keys.s.emplace(noise::secret_key{self.secret()});
  keys.rs = config.responder_key;
  keys.psks.push_back(std::move(config.psk));
  auto pattern = noise::find_pattern("IKpsk2");
  if (!pattern)
    return pattern.error();
  return noise::handshake_state::initialize(std::move(*pattern),
                                            std::move(keys), std::move(random));
}

/// Moves bytes from `in` to `into` until that has `size` of them; whether it
/// has.
bool fill(byte_buffer& into, size_t size, bytes_view& in) {
  auto n = std::min(in.size(), size - into.size());
  into.insert(into.end(), in.begin(), in.begin() + n);
  in = in.subspan(n);
  return into.size() == size;
}

} // namespace

handshake::handshake(const identity& self, handshake_config config,
                     random_source random)
  : self_(&self), config_(std::move(config)), random_(std::move(random)) {}

// -- our side -----------------------------------------------------------------

void handshake::start(instant now) {
  if (phase_ != phase::idle)
    return;
  deadline_ = now + config_.timeout;
  auto state = make_state(*self_, config_, std::move(random_));
  if (!state)
    return close(state.error());
  noise_ = std::move(*state);
  phase_ = phase::first;
  if (config_.role == noise::role::responder)
    return;
  if (config_.responder_key == self_->key())
    return close(make_error(errc::loop_detected, "the key to call is our own"));
  phase_ = phase::second;
  version_read_ = true;
  write(std::array{newest_protocol});
}

void handshake::admit(bool yes) {
  if (phase_ != phase::admission)
    return;
  if (!yes)
    return close(
        make_error(errc::policy_refused, "the device is not admitted"));
  phase_ = phase::unconfirmed;
  write({});
  if (phase_ == phase::unconfirmed)
    complete();
}

void handshake::record_opened() {
  if (phase_ == phase::unconfirmed)
    confirm();
}

void handshake::close(error reason) {
  if (phase_ == phase::over)
    return;
  phase_ = phase::over;
  noise_.reset();
  deadline_.reset();
  actions_.push_back(handshake_failed{std::move(reason)});
}

std::optional<handshake_action> handshake::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

/// Writes our next message behind `prefix`.
void handshake::write(bytes_view prefix) {
  auto payload = encode_introduction(config_.self);
  if (!payload)
    return close(payload.error());
  auto message = noise_->write_message(*payload);
  if (!message)
    return close(message.error());
  byte_buffer out{prefix.begin(), prefix.end()};
  out.reserve(out.size() + length_size + message->size());
  out.push_back(static_cast<uint8_t>(message->size()));
  out.push_back(static_cast<uint8_t>(message->size() >> 8));
  out.insert(out.end(), message->begin(), message->end());
  actions_.push_back(handshake_bytes{slice{std::move(out)}});
}

// -- time ---------------------------------------------------------------------

std::optional<instant> handshake::deadline() const {
  return deadline_;
}

void handshake::expire(instant now) {
  if (!deadline_ || now < *deadline_)
    return;
  if (phase_ == phase::unconfirmed)
    close(make_error(errc::timed_out,
                     "the peer did not prove that it knows the pod secret"));
  else
    close(make_error(errc::timed_out, "the handshake took too long"));
}

// -- the peer's side ----------------------------------------------------------

void handshake::receive(bytes_view& in, instant now) {
  expire(now);
  if (phase_ == phase::admission && !in.empty())
    return close(misbehaved("the peer sent more than its handshake"));
  if (phase_ == phase::first || phase_ == phase::second)
    if (!in.empty() && read_version(in))
      read_message(in);
  if (phase_ == phase::admission && !in.empty())
    close(misbehaved("the peer sent more than its handshake"));
}

/// The connector's first byte; do not wait for more of something else.
bool handshake::read_version(bytes_view& in) {
  if (version_read_)
    return true;
  version_read_ = in.front() == newest_protocol;
  in = in.subspan(1);
  if (!version_read_)
    close(misbehaved("the peer does not speak protocol 2"));
  return version_read_;
}

void handshake::read_message(bytes_view& in) {
  if (!fill(length_, length_size, in))
    return;
  auto size = size_t{length_[0]} | size_t{length_[1]} << 8;
  if (size < shortest[phase_ == phase::first ? 0 : 1])
    return close(misbehaved("a message of the handshake is too short"));
  if (size > max_handshake_message)
    return close(misbehaved("a message of the handshake is too long"));
  if (fill(message_, size, in))
    finish_message();
}

void handshake::finish_message() {
  auto payload = noise_->read_message(message_);
  if (!payload)
    return close(explain(payload.error(), config_.role));
  take_introduction(std::move(*payload));
  if (phase_ == phase::first) {
    phase_ = phase::admission;
    actions_.push_back(handshake_asked{*peer_});
  } else if (phase_ == phase::second) {
    complete();
    confirm();
  }
}

void handshake::take_introduction(byte_buffer payload) {
  auto said = decode_introduction(std::move(payload));
  if (!said)
    return close(said.error());
  const auto& key = *noise_->remote_static();
  if (key == self_->key())
    return close(misbehaved("the peer claims to be us"));
  peer_ = peer_introduction{derive_device_id(key), key, std::move(*said)};
}

void handshake::complete() {
  auto keys = noise_->split();
  if (!keys)
    return close(keys.error());
  actions_.push_back(
      handshake_completed{*peer_, std::move(*keys), noise_->handshake_hash()});
  noise_.reset();
}

void handshake::confirm() {
  if (phase_ == phase::over)
    return;
  phase_ = phase::over;
  deadline_.reset();
  actions_.push_back(peer_confirmed{peer_->device});
}

} // namespace peapod
