#include "core/seal.hpp"

#include <openssl/evp.h>

#include <array>
#include <limits>
#include <stdexcept>

namespace peapod {

namespace {

constexpr size_t length_size = 4;
constexpr size_t max_record_size = 16_MiB;

const EVP_CIPHER* algorithm() {
  static const EVP_CIPHER* x =
      EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  return x;
}

/// A cipher context that keeps its key from message to message.
class aead {
public:
  enum class direction { decrypt = 0, encrypt = 1 };

  aead(direction dir, const session_key& key, uint64_t first_nonce)
    : ctx_(EVP_CIPHER_CTX_new()), next_nonce_(first_nonce) {
    if (ctx_ == nullptr
        || EVP_CipherInit_ex2(ctx_, algorithm(), key.bytes().data(), nullptr,
                              static_cast<int>(dir), nullptr)
               != 1)
      throw std::runtime_error("ChaCha20-Poly1305 is not available");
  }
  ~aead() {
    EVP_CIPHER_CTX_free(ctx_);
  }
  aead(const aead&) = delete;
  aead& operator=(const aead&) = delete;

  bool exhausted() const {
    return wrapped_;
  }

  /// Starts a message with the next nonce.
  bool start() {
    std::array<uint8_t, 12> nonce{};
    for (size_t i = 0; i < 8; ++i)
      nonce[4 + i] = static_cast<uint8_t>(next_nonce_ >> (8 * i));
    wrapped_ = next_nonce_ == std::numeric_limits<uint64_t>::max();
    ++next_nonce_;
    return EVP_CipherInit_ex2(ctx_, nullptr, nullptr, nonce.data(), -1, nullptr)
           == 1;
  }

  bool update(uint8_t* out, std::span<const uint8_t> in) {
    int n = 0;
    return in.empty()
           || EVP_CipherUpdate(ctx_, out, &n, in.data(),
                               static_cast<int>(in.size()))
                  == 1;
  }

  bool finish() {
    std::array<uint8_t, seal_tag_size> rest;
    int n = 0;
    return EVP_CipherFinal_ex(ctx_, rest.data(), &n) == 1;
  }

  bool get_tag(uint8_t* out) {
    return EVP_CIPHER_CTX_ctrl(ctx_, EVP_CTRL_AEAD_GET_TAG, seal_tag_size, out)
           == 1;
  }

  bool set_tag(uint8_t* tag) {
    return EVP_CIPHER_CTX_ctrl(ctx_, EVP_CTRL_AEAD_SET_TAG, seal_tag_size, tag)
           == 1;
  }

private:
  EVP_CIPHER_CTX* ctx_;
  uint64_t next_nonce_;
  bool wrapped_ = false;
};

void store_length(uint8_t* out, size_t length) {
  for (size_t i = 0; i < length_size; ++i)
    out[i] = static_cast<uint8_t>(length >> (8 * i));
}

} // namespace

// -- sealer -------------------------------------------------------------------

struct sealer::context : aead {
  using aead::aead;
};

sealer::sealer(const session_key& key, uint64_t first_nonce)
  : context_(
      std::make_unique<context>(aead::direction::encrypt, key, first_nonce)) {}

sealer::~sealer() = default;
sealer::sealer(sealer&&) noexcept = default;
sealer& sealer::operator=(sealer&&) noexcept = default;

result<slice> sealer::seal(std::span<const std::span<const uint8_t>> parts) {
  size_t size = seal_tag_size;
  for (auto part : parts)
    size += part.size();
  if (size > max_record_size)
    return make_error(errc::limit_reached, "a sealed message exceeds 16 MiB");
  if (context_->exhausted())
    return make_error(errc::limit_reached, "a session's nonces are used up");
  auto total = length_size + size;
  auto out = std::make_shared_for_overwrite<uint8_t[]>(total);
  store_length(out.get(), size);
  auto* pos = out.get() + length_size;
  bool ok = context_->start();
  for (auto part : parts) {
    ok = ok && context_->update(pos, part);
    pos += part.size();
  }
  if (!ok || !context_->finish() || !context_->get_tag(pos))
    throw std::runtime_error("ChaCha20-Poly1305 failed to seal");
  const auto* data = out.get();
  return slice{std::move(out), data, total};
}

// -- opener -------------------------------------------------------------------

struct opener::context : aead {
  using aead::aead;
};

opener::opener(const session_key& key, uint64_t first_nonce)
  : context_(
      std::make_unique<context>(aead::direction::decrypt, key, first_nonce)) {}

opener::~opener() = default;
opener::opener(opener&&) noexcept = default;
opener& opener::operator=(opener&&) noexcept = default;

result<std::span<uint8_t>> opener::open(std::span<uint8_t> record) {
  auto failed =
      make_error(errc::integrity_failed, "a message does not authenticate");
  if (record.size() < seal_tag_size || record.size() > max_record_size
      || context_->exhausted())
    return failed;
  auto text = record.first(record.size() - seal_tag_size);
  auto* tag = record.data() + text.size();
  if (!context_->start() || !context_->set_tag(tag)
      || !context_->update(text.data(), text) || !context_->finish())
    return failed;
  return text;
}

} // namespace peapod
