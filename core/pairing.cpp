#include "core/pairing.hpp"

#include "core/integrity.hpp"

namespace peapod {

namespace {

constexpr std::string_view label = "peapod/2 pairing";
constexpr size_t bits_per_word = 10;
static_assert(
    std::tuple_size_v<decltype(pairing_words)> == size_t{1} << bits_per_word);

noise::role other(noise::role side) {
  return side == noise::role::initiator ? noise::role::responder
                                        : noise::role::initiator;
}

} // namespace

std::string to_string(const pairing_code& x) {
  std::string out;
  for (auto word : x.words) {
    if (!out.empty())
      out += ' ';
    out += word;
  }
  return out;
}

pairing_code derive_pairing_code(const digest& handshake_hash,
                                 const wire2::pairing_nonce& initiator,
                                 const wire2::pairing_nonce& responder) {
  byte_buffer nonces{initiator.bytes.begin(), initiator.bytes.end()};
  nonces.insert(nonces.end(), responder.bytes.begin(), responder.bytes.end());
  auto key = noise::hkdf<2>(handshake_hash.bytes, nonces);
  uint64_t bits = 0;
  for (auto byte : key[0].bytes().first<5>())
    bits = bits << 8 | byte;
  pairing_code out;
  for (size_t i = out.words.size(); i-- > 0; bits >>= bits_per_word)
    out.words[i] = pairing_words[bits % pairing_words.size()];
  return out;
}

digest pairing_commitment(noise::role side, const digest& handshake_hash,
                          const wire2::pairing_nonce& nonce) {
  uint8_t side_byte = side == noise::role::initiator ? 0 : 1;
  sha256_hasher hasher;
  hasher.update({reinterpret_cast<const uint8_t*>(label.data()), label.size()});
  hasher.update({&side_byte, 1});
  hasher.update(handshake_hash.bytes);
  hasher.update(nonce.bytes);
  return hasher.finish();
}

// -- pairing ------------------------------------------------------------------

pairing::pairing(noise::role side, const digest& handshake_hash,
                 const random_source& random, duration timeout)
  : side_(side), hash_(handshake_hash), timeout_(timeout) {
  random(nonce_.bytes);
}

void pairing::start(instant now) {
  if (phase_ != phase::idle)
    return;
  phase_ = phase::committed;
  deadline_ = now + timeout_;
  actions_.push_back(
      wire2::pairing_commit{pairing_commitment(side_, hash_, nonce_)});
}

void pairing::receive(const wire2::pairing_commit& x) {
  if (phase_ == phase::over)
    return;
  if (phase_ != phase::committed)
    return fail(errc::peer_misbehaved, "the peer commits at a wrong time");
  their_commitment_ = x.commitment;
  phase_ = phase::revealed;
  actions_.push_back(wire2::pairing_reveal{nonce_});
}

void pairing::receive(const wire2::pairing_reveal& x) {
  if (phase_ == phase::over)
    return;
  if (phase_ != phase::revealed)
    return fail(errc::peer_misbehaved, "the peer reveals at a wrong time");
  if (pairing_commitment(other(side_), hash_, x.nonce) != their_commitment_)
    return fail(errc::integrity_failed,
                "the peer reveals another nonce than it has committed to");
  phase_ = phase::over;
  deadline_.reset();
  auto we_initiate = side_ == noise::role::initiator;
  actions_.push_back(derive_pairing_code(hash_, we_initiate ? nonce_ : x.nonce,
                                         we_initiate ? x.nonce : nonce_));
}

std::optional<pairing_action> pairing::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

std::optional<instant> pairing::deadline() const {
  return deadline_;
}

void pairing::expire(instant now) {
  if (deadline_ && now >= *deadline_)
    fail(errc::timed_out, "the peer did not take part in the pairing");
}

void pairing::fail(errc code, std::string detail) {
  phase_ = phase::over;
  deadline_.reset();
  actions_.push_back(pairing_failed{make_error(code, std::move(detail))});
}

} // namespace peapod
