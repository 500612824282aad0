#include "core/line_id.hpp"

#include "core/integrity.hpp"

#include <span>

namespace peapod {

namespace {

constexpr std::string_view label = "peapod line ";

std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

} // namespace

device_id line_id(const device_id& device, std::string_view name) {
  sha256_hasher hash;
  hash.update(as_bytes(label));
  hash.update(device.bytes);
  hash.update(as_bytes(name));
  auto all = hash.finish();
  return device_id::from(std::span{all.bytes}.first<device_id::size>());
}

} // namespace peapod
