#include "core/noise_handshake.hpp"

#include <algorithm>

namespace peapod::noise {

namespace {

using bytes_view = std::span<const uint8_t>;

/// The next `n` bytes of `in`, which has that many.
bytes_view take(bytes_view& in, size_t n) {
  auto out = in.first(n);
  in = in.subspan(n);
  return out;
}

bool has(const message_pattern& message, token which) {
  return std::ranges::count(message, which) != 0;
}

/// How a side's static key reaches the other one.
struct static_keys {
  bool known = false; ///< beforehand
  bool sent = false;  ///< in a message
};

static_keys static_keys_of(const handshake_pattern& pattern, role side) {
  static_keys out;
  out.known = side == role::initiator ? pattern.initiator_is_known
                                      : pattern.responder_is_known;
  for (size_t i = side == role::initiator ? 0 : 1; i < pattern.messages.size();
       i += 2)
    out.sent = out.sent || has(pattern.messages[i], token::s);
  return out;
}

role other(role side) {
  return side == role::initiator ? role::responder : role::initiator;
}

} // namespace

result<handshake_state> handshake_state::initialize(handshake_pattern pattern,
                                                    handshake_keys keys,
                                                    random_source random) {
  auto ours = static_keys_of(pattern, keys.side);
  auto theirs = static_keys_of(pattern, other(keys.side));
  if ((ours.known || ours.sent) != keys.s.has_value())
    return make_error(errc::not_allowed,
                      "the pattern " + pattern.name
                          + " and our static key do not fit");
  if (theirs.known != keys.rs.has_value())
    return make_error(errc::not_allowed,
                      "the pattern " + pattern.name
                          + " and their static key do not fit");
  if (pattern.psk_count() != keys.psks.size())
    return make_error(errc::not_allowed,
                      "the pattern " + pattern.name + " needs "
                          + std::to_string(pattern.psk_count())
                          + " pre-shared keys");
  handshake_state out{std::move(pattern), std::move(keys), std::move(random)};
  out.mix_pre_messages();
  return out;
}

handshake_state::handshake_state(handshake_pattern pattern, handshake_keys keys,
                                 random_source random)
  : pattern_(std::move(pattern)),
    keys_(std::move(keys)),
    random_(std::move(random)),
    symmetric_(protocol_name(pattern_)) {}

void handshake_state::mix_pre_messages() {
  symmetric_.mix_hash(keys_.prologue);
  auto mix_static = [this](role owner) {
    symmetric_.mix_hash(owner == keys_.side ? keys_.s->key().bytes
                                            : keys_.rs->bytes);
  };
  if (pattern_.initiator_is_known)
    mix_static(role::initiator);
  if (pattern_.responder_is_known)
    mix_static(role::responder);
}

bool handshake_state::is_our_turn() const {
  return !is_finished() && (next_ % 2 == 0) == (keys_.side == role::initiator);
}

error handshake_state::fail(error why) {
  failed_ = true;
  return why;
}

result<byte_buffer> handshake_state::write_message(bytes_view payload) {
  if (failed_ || !is_our_turn())
    return make_error(errc::not_allowed, "the next message is not ours");
  byte_buffer out;
  for (auto which : pattern_.messages[next_])
    if (auto ok = write_token(which, out); !ok)
      return fail(ok.error());
  if (payload.size() > max_message_size - symmetric_.overhead() - out.size())
    return fail(make_error(errc::limit_reached,
                           "a handshake message exceeds 65,535 bytes"));
  if (auto ok = symmetric_.encrypt_and_hash(payload, out); !ok)
    return fail(ok.error());
  ++next_;
  return out;
}

result<byte_buffer> handshake_state::read_message(bytes_view message) {
  if (failed_ || is_finished() || is_our_turn())
    return make_error(errc::not_allowed, "the next message is not theirs");
  if (message.size() > max_message_size)
    return fail(misbehaved("a handshake message exceeds 65,535 bytes"));
  for (auto which : pattern_.messages[next_])
    if (auto ok = read_token(which, message); !ok)
      return fail(ok.error());
  if (message.size() < symmetric_.overhead())
    return fail(misbehaved("a handshake message ends early"));
  auto payload = symmetric_.decrypt_and_hash(message);
  if (!payload)
    return fail(payload.error());
  ++next_;
  return payload;
}

result<void> handshake_state::write_token(token which, byte_buffer& out) {
  switch (which) {
    case token::e:
      e_ = key_pair::generate(random_);
      out.insert(out.end(), e_->key().bytes.begin(), e_->key().bytes.end());
      mix_ephemeral(e_->key());
      return {};
    case token::s:
      return symmetric_.encrypt_and_hash(keys_.s->key().bytes, out);
    case token::psk:
      mix_psk();
      return {};
    default:
      return mix_dh(which);
  }
}

result<void> handshake_state::read_token(token which, bytes_view& in) {
  switch (which) {
    case token::e:
      if (in.size() < key_size)
        return misbehaved("a handshake message ends early");
      re_ = public_key::from(take(in, key_size));
      mix_ephemeral(*re_);
      return {};
    case token::s:
      return read_static(in);
    case token::psk:
      mix_psk();
      return {};
    default:
      return mix_dh(which);
  }
}

result<void> handshake_state::read_static(bytes_view& in) {
  auto size = key_size + symmetric_.overhead();
  if (in.size() < size)
    return misbehaved("a handshake message ends early");
  auto key = symmetric_.decrypt_and_hash(take(in, size));
  if (!key)
    return key.error();
  keys_.rs = public_key::from(*key);
  return {};
}

/// Section 9.2: with pre-shared keys an ephemeral key is also mixed into the
/// chaining key, so that no key encrypts twice.
void handshake_state::mix_ephemeral(const public_key& key) {
  symmetric_.mix_hash(key.bytes);
  if (!keys_.psks.empty())
    symmetric_.mix_key(key.bytes);
}

void handshake_state::mix_psk() {
  symmetric_.mix_key_and_hash(keys_.psks[next_psk_++].bytes());
}

/// The first letter is the initiator's key, the second the responder's.
result<void> handshake_state::mix_dh(token which) {
  auto we_initiate = keys_.side == role::initiator;
  auto ours_is_static =
      which == token::ss || which == (we_initiate ? token::se : token::es);
  auto theirs_is_static =
      which == token::ss || which == (we_initiate ? token::es : token::se);
  const auto& ours = ours_is_static ? keys_.s : e_;
  const auto& theirs = theirs_is_static ? keys_.rs : re_;
  auto shared = ours->dh(*theirs);
  if (!shared)
    return shared.error();
  symmetric_.mix_key(shared->bytes());
  return {};
}

result<transport_keys> handshake_state::split() const {
  if (failed_ || !is_finished())
    return make_error(errc::not_allowed, "the handshake is not finished");
  auto keys = symmetric_.split();
  if (keys_.side == role::initiator)
    return transport_keys{std::move(keys[0]), std::move(keys[1])};
  return transport_keys{std::move(keys[1]), std::move(keys[0])};
}

} // namespace peapod::noise
