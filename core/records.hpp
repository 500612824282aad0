#pragma once

#include "core/error.hpp"
#include "core/noise.hpp"
#include "core/types.hpp"

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>

/// Records: what protocol 2 sends after its handshake (PROTOCOL, Protocol 2,
/// Records). Each one is `u32 LE length | ciphertext | tag`; the length counts
/// both. Nonces count records from 0 in each direction, which has a key of its
/// own.
namespace peapod {

/// The longest plaintext of a record, in bytes: with its tag it is as long as
/// the longest message of Noise.
constexpr size_t max_record_text = 65'519;

/// Bytes in front of a record's ciphertext.
constexpr size_t record_header_size = 4;

/// After each so many records a direction's key is replaced by REKEY (Noise,
/// 11.3); its nonces go on counting.
constexpr uint64_t rekey_interval = uint64_t{1} << 16;

/// Seals what one side sends.
class record_sealer {
public:
  /// `key` is what a handshake gave for sending.
  explicit record_sealer(noise::cipher_state key) : key_(std::move(key)) {}

  /// Seals the concatenation of `parts` into one record. Errors:
  /// `limit_reached` when it would have more than `max_record_text` bytes, or
  /// the nonces are used up; nothing changes then.
  result<slice> seal(std::span<const std::span<const uint8_t>> parts);

  /// Shorthand for a fixed number of parts.
  result<slice> seal(std::initializer_list<std::span<const uint8_t>> parts) {
    return seal(std::span{parts.begin(), parts.size()});
  }

private:
  noise::cipher_state key_;
};

/// Opens what the other side sealed, in the same order. A record's bytes are
/// decrypted from where the connection put them to where they stay, as they
/// arrive, and handed out when its tag has proven them: they are touched once.
class record_opener {
public:
  /// `key` is what a handshake gave for receiving.
  explicit record_opener(noise::cipher_state key) : key_(std::move(key)) {}

  /// Reads from `in`, and removes from it, up to the end of one record at
  /// most. The result is the record's plaintext, or nothing when `in` has been
  /// used up before its end. Errors: `peer_misbehaved` for a length that no
  /// record has, `integrity_failed` when a record does not authenticate; the
  /// session is over then, and so every further call gives the same error.
  result<std::optional<slice>> read(std::span<const uint8_t>& in);

  /// Whether a record has begun and not ended. It holds `max_record_text`
  /// bytes of memory at most.
  bool is_within_record() const {
    return header_size_ != 0;
  }

private:
  result<void> read_header(std::span<const uint8_t>& in);
  void read_text(std::span<const uint8_t>& in);
  result<slice> finish();
  error fail(error why);

  noise::cipher_state key_;
  std::optional<error> failure_;

  // The record that is arriving.
  std::array<uint8_t, record_header_size> header_{};
  size_t header_size_ = 0;
  std::shared_ptr<uint8_t[]> text_;
  size_t text_size_ = 0; ///< how many bytes it will have
  size_t opened_ = 0;    ///< how many it has
  std::array<uint8_t, chacha_poly_tag_size> tag_{};
  size_t tag_size_ = 0;
};

} // namespace peapod
