#include "core/wire_message.hpp"

#include <algorithm>
#include <array>

namespace peapod {

namespace {

uint8_t byte_at(std::string_view text, size_t i) {
  return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
}

/// Bytes of the character that `text` starts with, 0 when it is not valid:
/// the table of RFC 3629, 4.
size_t utf8_length(std::string_view text) {
  auto in = [&](size_t i, uint8_t low, uint8_t high) {
    auto c = byte_at(text, i);
    return low <= c && c <= high;
  };
  auto tail = [&](size_t first, size_t last) {
    for (auto i = first; i <= last; ++i)
      if (!in(i, 0x80, 0xbf))
        return false;
    return true;
  };
  auto c = byte_at(text, 0);
  if (c < 0x80)
    return 1;
  if (c >= 0xc2 && c <= 0xdf)
    return tail(1, 1) ? 2 : 0;
  if (c >= 0xe0 && c <= 0xef) {
    auto low = c == 0xe0 ? 0xa0 : 0x80;
    auto high = c == 0xed ? 0x9f : 0xbf;
    return in(1, low, high) && tail(2, 2) ? 3 : 0;
  }
  if (c >= 0xf0 && c <= 0xf4) {
    auto low = c == 0xf0 ? 0x90 : 0x80;
    auto high = c == 0xf4 ? 0x8f : 0xbf;
    return in(1, low, high) && tail(2, 3) ? 4 : 0;
  }
  return 0;
}

/// C0, DEL and C1: what a terminal could take for a command.
bool is_control(std::string_view character) {
  auto c = byte_at(character, 0);
  return c < 0x20 || c == 0x7f || (c == 0xc2 && byte_at(character, 1) < 0xa0);
}

} // namespace

bool chunk_data::operator==(const chunk_data& other) const {
  return transfer == other.transfer && range == other.range
         && hash == other.hash && origin == other.origin
         && std::ranges::equal(payload.bytes(), other.payload.bytes());
}

std::string_view name_of(const wire_message& x) {
  static constexpr std::array<std::string_view, 8> names = {
      "beacon",    "discovery_response", "join",       "leave",
      "heartbeat", "chunk_request",      "chunk_data", "nack"};
  static_assert(std::variant_size_v<wire_message> == names.size());
  return names[x.index()];
}

std::string_view valid_utf8_prefix(std::string_view text, size_t max_size) {
  size_t end = 0;
  while (end < text.size()) {
    auto n = utf8_length(text.substr(end));
    if (n == 0 || end + n > max_size)
      break;
    end += n;
  }
  return text.substr(0, end);
}

std::string clean_text(std::string_view text, size_t max_size) {
  std::string out;
  auto rest = valid_utf8_prefix(text, max_size);
  while (!rest.empty()) {
    auto character = rest.substr(0, utf8_length(rest));
    out += is_control(character) ? " " : character;
    rest.remove_prefix(character.size());
  }
  return out;
}

std::string clean_name(std::string_view text) {
  return clean_text(text, max_name_size);
}

} // namespace peapod
