#include "core/egress_tags.hpp"

#include "core/integrity.hpp"

#include <sodium.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace peapod {

namespace {

constexpr std::string_view key_label = "peapod/2 egress";

// What a tag is of is part of it, so that no two kinds ever fit.
constexpr std::string_view gateway_label = "gateway ";
constexpr std::string_view address_label = "address ";

std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// BLAKE2b with a key (RFC 7693), of a label and a text.
std::optional<egress_tags::tag>
tag_of(const digest& key, std::string_view label, const std::string& text) {
  if (text.empty())
    return std::nullopt;
  auto all = std::string{label} + text;
  egress_tags::tag out;
  crypto_generichash(out.bytes.data(), out.bytes.size(), as_bytes(all).data(),
                     all.size(), key.bytes.data(), key.bytes.size());
  return out;
}

} // namespace

egress_hasher::egress_hasher(const public_key& x, const public_key& y) {
  sha256_hasher hash;
  hash.update(as_bytes(key_label));
  hash.update(std::min(x, y).bytes);
  hash.update(std::max(x, y).bytes);
  key_ = hash.finish();
}

egress_tags egress_hasher::tags_of(const egress_facts& x) const {
  return {tag_of(key_, gateway_label, x.gateway_mac),
          tag_of(key_, address_label, x.public_v4),
          tag_of(key_, address_label, x.public_v6)};
}

} // namespace peapod
