#include "core/identity.hpp"

#include "core/integrity.hpp"

#include <sodium.h>

#include <string>

namespace peapod {

namespace {

constexpr std::string_view session_label = "peapod-session-v1";

/// Lets libsodium choose the fast X25519 of this machine.
void prepare_sodium() {
  static const int ready = sodium_init();
  static_cast<void>(ready);
}

} // namespace

device_id derive_device_id(const public_key& key) {
  auto hash = sha256(key.bytes);
  return device_id::from(std::span{hash.bytes}.first<device_id::size>());
}

// -- identity -----------------------------------------------------------------

identity identity::generate(const random_source& random) {
  secret_bytes<32> secret;
  random(secret.bytes());
  return identity{std::move(secret)};
}

result<identity> identity::from_secret(std::span<const uint8_t> secret) {
  if (secret.size() != 32)
    return make_error(errc::bad_config, "a device key has 32 bytes, not "
                                            + std::to_string(secret.size()));
  return identity{secret_bytes<32>{secret.first<32>()}};
}

identity::identity(secret_bytes<32> secret) : secret_(secret.bytes()) {
  prepare_sodium();
  crypto_scalarmult_curve25519_base(key_.bytes.data(), secret_.bytes().data());
  device_ = derive_device_id(key_);
}

result<session_key> derive_session_key(const identity& self,
                                       const public_key& peer) {
  prepare_sodium();
  secret_bytes<32> shared;
  // Non-zero when the product is zero: a point of low order.
  if (crypto_scalarmult_curve25519(shared.bytes().data(), self.secret().data(),
                                   peer.bytes.data())
      != 0)
    return make_error(errc::peer_misbehaved,
                      "the peer's public key is one that shares no secret");
  sha256_hasher hasher;
  hasher.update({reinterpret_cast<const uint8_t*>(session_label.data()),
                 session_label.size()});
  hasher.update(shared.bytes());
  auto hash = hasher.finish();
  session_key out{std::span<const uint8_t, 32>{hash.bytes}};
  erase_secret(hash.bytes);
  return out;
}

// -- hello --------------------------------------------------------------------

std::array<uint8_t, hello_size> encode_hello(const identity& self) {
  std::array<uint8_t, hello_size> out{};
  out[0] = hello{}.version;
  std::memcpy(out.data() + 1, self.device().bytes.data(), device_id::size);
  std::memcpy(out.data() + 17, self.key().bytes.data(), public_key::size);
  return out;
}

result<hello> decode_hello(std::span<const uint8_t> in) {
  if (in.empty() || in[0] != hello{}.version)
    return make_error(errc::peer_misbehaved,
                      "the peer does not speak protocol 1");
  if (in.size() != hello_size)
    return make_error(errc::peer_misbehaved, "a handshake has 49 bytes");
  hello out{.version = in[0],
            .device = device_id::from(in.subspan(1, device_id::size)),
            .key = public_key::from(in.subspan(17, public_key::size))};
  if (derive_device_id(out.key) != out.device)
    return make_error(errc::peer_misbehaved,
                      "the peer's device id does not belong to its key");
  return out;
}

} // namespace peapod
