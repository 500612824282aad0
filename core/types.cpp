#include "core/types.hpp"

#include <algorithm>

namespace peapod {

namespace {

int nibble(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

} // namespace

std::string to_hex(std::span<const uint8_t> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto b : bytes) {
    out.push_back(digits[b >> 4]);
    out.push_back(digits[b & 15]);
  }
  return out;
}

std::vector<uint8_t> from_hex(std::string_view text) {
  std::vector<uint8_t> out;
  if (text.size() % 2 != 0)
    return out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    auto hi = nibble(text[i]);
    auto lo = nibble(text[i + 1]);
    if (hi < 0 || lo < 0)
      return {};
    out.push_back(static_cast<uint8_t>(hi << 4 | lo));
  }
  return out;
}

std::string to_string(byte_range x) {
  return "[" + std::to_string(x.begin) + "," + std::to_string(x.end) + ")";
}

slice::slice(byte_buffer buffer) {
  auto owner = std::make_shared<const byte_buffer>(std::move(buffer));
  data_ = owner->data();
  size_ = owner->size();
  owner_ = std::move(owner);
}

slice::slice(std::string_view text)
  : slice(byte_buffer(text.begin(), text.end())) {}

slice slice::sub(size_t offset, size_t count) const {
  offset = std::min(offset, size_);
  return {owner_, data_ + offset, std::min(count, size_ - offset)};
}

} // namespace peapod
