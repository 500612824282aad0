#include "core/pod_secret.hpp"

#include "core/integrity.hpp"
#include "core/noise.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace peapod {

namespace {

constexpr std::string_view psk_label = "peapod/2 psk";
constexpr std::string_view passphrase_label = "peapod/2 passphrase";

// Every device has to use the same figures: those that libsodium calls
// moderate.
constexpr unsigned long long passes = 3;
constexpr size_t memory = 256_MiB;
static_assert(passes == crypto_pwhash_OPSLIMIT_MODERATE);
static_assert(memory == crypto_pwhash_MEMLIMIT_MODERATE);
static_assert(pod_secret::text_size + 1
              == sodium_base64_ENCODED_LEN(pod_secret::size,
                                           sodium_base64_VARIANT_ORIGINAL));

std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string_view without_space_around(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  auto begin = std::min(text.find_first_not_of(space), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(space) + 1);
}

/// A pod's name as it goes into the salt, or nothing when it is none.
std::optional<std::string> canonical_name(std::string_view text) {
  std::string out{without_space_around(text)};
  if (out.empty() || out.size() > pod_secret::max_pod_name)
    return std::nullopt;
  for (auto& c : out) {
    if (c < ' ' || c > '~')
      return std::nullopt;
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

} // namespace

pod_secret pod_secret::generate(const random_source& random) {
  secret_bytes<size> out;
  random(out.bytes());
  return pod_secret{std::move(out)};
}

result<pod_secret> pod_secret::from_text(std::string_view text) {
  text = without_space_around(text);
  secret_bytes<size> out;
  size_t got = 0;
  const char* end = nullptr;
  if (text.size() != text_size
      || sodium_base642bin(out.bytes().data(), size, text.data(), text.size(),
                           nullptr, &got, &end, sodium_base64_VARIANT_ORIGINAL)
             != 0
      || got != size || end != text.data() + text.size())
    return make_error(errc::bad_config,
                      "a pod secret is 32 bytes in base64, 44 characters");
  return pod_secret{std::move(out)};
}

result<pod_secret> pod_secret::from_passphrase(std::string_view passphrase,
                                               std::string_view pod) {
  auto name = canonical_name(pod);
  if (!name)
    return make_error(errc::bad_config,
                      "the name of a pod is 1 to 64 visible ASCII characters");
  if (passphrase.size() < min_passphrase || passphrase.size() > max_passphrase)
    return make_error(errc::bad_config,
                      "a passphrase has 12 to 1024 characters; five or more "
                      "words that were drawn by lot are a good one");
  sha256_hasher hasher;
  hasher.update(as_bytes(passphrase_label));
  hasher.update(as_bytes(*name));
  auto salt = hasher.finish();
  static_assert(crypto_pwhash_SALTBYTES <= digest::size);
  secret_bytes<size> out;
  if (sodium_init() < 0
      || crypto_pwhash(out.bytes().data(), size, passphrase.data(),
                       passphrase.size(), salt.bytes.data(), passes, memory,
                       crypto_pwhash_ALG_ARGON2ID13)
             != 0)
    return make_error(errc::limit_reached,
                      "a passphrase needs 256 MiB of memory for a moment, "
                      "which are not to be had");
  return pod_secret{std::move(out)};
}

secret_text<pod_secret::text_size> pod_secret::text() const {
  // libsodium ends it with a zero.
  secret_bytes<text_size + 1> out;
  sodium_bin2base64(reinterpret_cast<char*>(out.bytes().data()),
                    out.bytes().size(), bytes_.bytes().data(), size,
                    sodium_base64_VARIANT_ORIGINAL);
  return secret_text<text_size>{
      secret_bytes<text_size>{out.bytes().first<text_size>()}};
}

secret_bytes<32> pod_secret::psk() const {
  auto keys = noise::hkdf<2>(bytes_.bytes(), as_bytes(psk_label));
  return std::move(keys[0]);
}

bool pod_secret::operator==(const pod_secret& other) const {
  return sodium_memcmp(bytes_.bytes().data(), other.bytes_.bytes().data(), size)
         == 0;
}

} // namespace peapod
