#pragma once

#include "core/error.hpp"
#include "core/identity.hpp"
#include "core/types.hpp"

#include <string_view>

namespace peapod {

/// A text of secret bytes, erased when it goes away.
template <size_t Size>
class secret_text {
public:
  explicit secret_text(secret_bytes<Size> bytes) : bytes_(std::move(bytes)) {}

  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes_.bytes().data()), Size};
  }

private:
  secret_bytes<Size> bytes_;
};

/// What all devices of a pod know and nobody else: 32 bytes. Whoever has them
/// belongs to the pod.
class pod_secret {
public:
  static constexpr size_t size = 32;

  /// Characters of the text form: base64 (RFC 4648, 4), with padding.
  static constexpr size_t text_size = 44;

  /// Bytes of a passphrase, at least and at most.
  static constexpr size_t min_passphrase = 12;
  static constexpr size_t max_passphrase = 1024;

  /// Bytes of a pod's name, at most.
  static constexpr size_t max_pod_name = 64;

  /// A new one out of random bytes.
  static pod_secret generate(const random_source& random);

  /// The one that the text form is of; spaces and line ends around it do not
  /// count. Error: `bad_config`, which does not repeat the text.
  static result<pod_secret> from_text(std::string_view text);

  /// The one that every device makes out of the same passphrase and name of
  /// the pod: Argon2id (RFC 9106) with 3 passes over 256 MiB, which takes about
  /// a second. Its salt is the first 16 bytes of SHA-256("peapod/2 passphrase"
  /// || name); letters of the name count as lower-case ones (PROTOCOL, The pod
  /// secret). Errors: `bad_config` for a passphrase that is too short or too
  /// long, or a name that is not 1 to `max_pod_name` visible ASCII characters,
  /// with spaces between them; `limit_reached` without enough memory.
  static result<pod_secret> from_passphrase(std::string_view passphrase,
                                            std::string_view pod);

  /// The text form.
  secret_text<text_size> text() const;

  /// The pre-shared key of protocol 2's handshake: the first output of
  /// HKDF(secret, "peapod/2 psk") (Noise, 4.3).
  secret_bytes<32> psk() const;

  /// Compared in constant time.
  bool operator==(const pod_secret& other) const;

private:
  explicit pod_secret(secret_bytes<size> bytes) : bytes_(std::move(bytes)) {}

  secret_bytes<size> bytes_;
};

} // namespace peapod
