#pragma once

#include "core/error.hpp"
#include "core/noise_handshake.hpp"
#include "core/pairing_words.hpp"
#include "core/types.hpp"
#include "core/wire2_message.hpp"

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace peapod {

/// What people compare: four words, the same on both devices if nobody is in
/// between.
struct pairing_code {
  std::array<std::string_view, 4> words;

  bool operator==(const pairing_code&) const = default;
};

/// The words with a space between them.
std::string to_string(const pairing_code& x);

/// The code of two nonces in a session: the first 40 bits of HKDF(handshake
/// hash, initiator's nonce || responder's nonce), ten bits a word, the highest
/// first (PROTOCOL, Protocol 2, Pairing).
pairing_code derive_pairing_code(const digest& handshake_hash,
                                 const wire2::pairing_nonce& initiator,
                                 const wire2::pairing_nonce& responder);

/// What binds `side` to its nonce in a session: SHA-256("peapod/2 pairing" ||
/// 0 for the initiator, 1 for the responder || handshake hash || nonce).
digest pairing_commitment(noise::role side, const digest& handshake_hash,
                          const wire2::pairing_nonce& nonce);

/// The pairing did not come to a code. Always the last action.
struct pairing_failed {
  error reason;
};

/// Send the message, show the code, or give up.
using pairing_action =
    std::variant<wire2::pairing_commit, wire2::pairing_reveal, pairing_code,
                 pairing_failed>;

/// One side of a pairing, inside a session whose handshake is complete
/// (PROTOCOL, Protocol 2, Pairing). Both sides commit to a nonce and reveal it
/// only when they have the other's commitment. So whoever sits between two
/// sessions has to choose its nonces before it knows what they lead to, and the
/// two codes agree by luck only: once in 2^40 attempts.
///
/// The code says that there is nobody in between; that it is the right device
/// is what comparing the screens of both says.
class pairing {
public:
  /// `handshake_hash` is that of the session; `random` makes the nonce.
  pairing(noise::role side, const digest& handshake_hash,
          const random_source& random, duration timeout = default_timeout);

  /// The messages are exchanged without waiting for people.
  static constexpr duration default_timeout = std::chrono::seconds(5);

  /// Begins; until then, messages of the peer are a mistake.
  void start(instant now);

  /// A message of the peer.
  void receive(const wire2::pairing_commit& x);
  void receive(const wire2::pairing_reveal& x);

  /// Drain this after every call until it is empty.
  std::optional<pairing_action> poll();

  /// When to call `expire`.
  std::optional<instant> deadline() const;

  /// Time has passed; a spurious call is harmless.
  void expire(instant now);

private:
  enum class phase { idle, committed, revealed, over };

  void fail(errc code, std::string detail);

  noise::role side_;
  digest hash_;
  wire2::pairing_nonce nonce_;
  duration timeout_;
  phase phase_ = phase::idle;
  std::optional<instant> deadline_;
  digest their_commitment_;
  std::deque<pairing_action> actions_;
};

} // namespace peapod
