#include "core/tls_record.hpp"

#include <cstddef>
#include <optional>

namespace peapod {

namespace {

constexpr uint8_t change_cipher_spec = 20;
constexpr uint8_t alert = 21;
constexpr uint8_t handshake = 22;

constexpr uint8_t client_hello = 1;

constexpr size_t header_size = 5;

/// The type of the first record, which is cut off `bytes`; its end may be
/// missing. Nothing when there is no header of one.
std::optional<uint8_t> next_record(std::span<const uint8_t>& bytes) {
  if (bytes.size() < header_size || bytes[1] != 3)
    return std::nullopt;
  auto type = bytes[0];
  size_t size = (size_t{bytes[3]} << 8) | bytes[4];
  bytes = bytes.subspan(header_size);
  bytes = bytes.subspan(size < bytes.size() ? size : bytes.size());
  return type;
}

} // namespace

opening opening_of(std::span<const uint8_t> bytes) {
  if (bytes.empty())
    return opening::unknown;
  if (bytes[0] != handshake || (bytes.size() > 1 && bytes[1] != 3)
      || (bytes.size() > header_size && bytes[header_size] != client_hello))
    return opening::other;
  return bytes.size() > header_size ? opening::hello : opening::unknown;
}

bool may_be_replayed(std::span<const uint8_t> bytes) {
  if (opening_of(bytes) != opening::hello)
    return bytes.empty();
  while (!bytes.empty()) {
    auto type = next_record(bytes);
    if (!type || (*type != handshake && *type != change_cipher_spec))
      return false;
  }
  return true;
}

bool is_alert_only(std::span<const uint8_t> bytes) {
  if (bytes.empty())
    return false;
  while (!bytes.empty())
    if (next_record(bytes) != alert)
      return false;
  return true;
}

} // namespace peapod
