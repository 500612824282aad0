#include "core/seal.hpp"

#include "core/chacha_poly.hpp"

#include <limits>

namespace peapod {

static_assert(seal_tag_size == chacha_poly_tag_size);

namespace {

constexpr size_t length_size = 4;
constexpr size_t max_record_size = 16_MiB;

/// A key and the nonce of the next message.
struct numbered_key {
  numbered_key(const session_key& key, uint64_t first_nonce)
    : aead(key.bytes()), next(first_nonce) {}

  /// The nonce of this message.
  uint64_t take_nonce() {
    exhausted = next == std::numeric_limits<uint64_t>::max();
    return next++;
  }

  chacha_poly aead;
  uint64_t next;
  bool exhausted = false;
};

void store_length(uint8_t* out, size_t length) {
  for (size_t i = 0; i < length_size; ++i)
    out[i] = static_cast<uint8_t>(length >> (8 * i));
}

} // namespace

// -- sealer -------------------------------------------------------------------

struct sealer::context : numbered_key {
  using numbered_key::numbered_key;
};

sealer::sealer(const session_key& key, uint64_t first_nonce)
  : context_(std::make_unique<context>(key, first_nonce)) {}

sealer::~sealer() = default;
sealer::sealer(sealer&&) noexcept = default;
sealer& sealer::operator=(sealer&&) noexcept = default;

result<slice> sealer::seal(std::span<const std::span<const uint8_t>> parts) {
  size_t size = seal_tag_size;
  for (auto part : parts)
    size += part.size();
  if (size > max_record_size)
    return make_error(errc::limit_reached, "a sealed message exceeds 16 MiB");
  if (context_->exhausted)
    return make_error(errc::limit_reached, "a session's nonces are used up");
  auto total = length_size + size;
  auto out = std::make_shared_for_overwrite<uint8_t[]>(total);
  store_length(out.get(), size);
  auto* pos = out.get() + length_size;
  context_->aead.begin_sealing(context_->take_nonce());
  for (auto part : parts) {
    context_->aead.update(part, pos);
    pos += part.size();
  }
  context_->aead.finish_sealing(
      std::span<uint8_t, seal_tag_size>{pos, seal_tag_size});
  const auto* data = out.get();
  return slice{std::move(out), data, total};
}

// -- opener -------------------------------------------------------------------

struct opener::context : numbered_key {
  using numbered_key::numbered_key;
};

opener::opener(const session_key& key, uint64_t first_nonce)
  : context_(std::make_unique<context>(key, first_nonce)) {}

opener::~opener() = default;
opener::opener(opener&&) noexcept = default;
opener& opener::operator=(opener&&) noexcept = default;

result<std::span<uint8_t>> opener::open(std::span<uint8_t> record) {
  auto failed =
      make_error(errc::integrity_failed, "a message does not authenticate");
  if (record.size() < seal_tag_size || record.size() > max_record_size
      || context_->exhausted)
    return failed;
  auto text = record.first(record.size() - seal_tag_size);
  context_->aead.begin_opening(context_->take_nonce());
  context_->aead.update(text, text.data());
  if (!context_->aead.finish_opening(record.last<seal_tag_size>()))
    return failed;
  return text;
}

} // namespace peapod
