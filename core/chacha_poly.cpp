#include "core/chacha_poly.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

namespace peapod {

namespace {

constexpr int decrypt = 0;
constexpr int encrypt = 1;
constexpr int same_as_before = -1;

/// Looking an algorithm up by name costs more than sealing a small message.
const EVP_CIPHER* algorithm() {
  static const EVP_CIPHER* x =
      EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  return x;
}

/// OpenSSL fails here only when it is out of memory or has no ChaCha20.
void must(bool ok) {
  if (!ok)
    throw std::runtime_error("ChaCha20-Poly1305 is not available");
}

} // namespace

struct chacha_poly::context {
  explicit context(std::span<const uint8_t, 32> key)
    : evp(EVP_CIPHER_CTX_new()) {
    if (evp == nullptr
        || EVP_CipherInit_ex2(evp, algorithm(), key.data(), nullptr, encrypt,
                              nullptr)
               != 1) {
      EVP_CIPHER_CTX_free(evp);
      must(false);
    }
  }
  ~context() {
    EVP_CIPHER_CTX_free(evp);
  }
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  void begin(int direction, uint64_t counter, std::span<const uint8_t> ad) {
    std::array<uint8_t, 12> nonce{};
    for (size_t i = 0; i < 8; ++i)
      nonce[4 + i] = static_cast<uint8_t>(counter >> (8 * i));
    must(EVP_CipherInit_ex2(evp, nullptr, nullptr, nonce.data(), direction,
                            nullptr)
         == 1);
    update(ad, nullptr);
  }

  /// Without `out`, the bytes are associated data.
  void update(std::span<const uint8_t> in, uint8_t* out) {
    constexpr size_t most = std::numeric_limits<int>::max();
    while (!in.empty()) {
      auto piece = in.first(std::min(in.size(), most));
      int n = 0;
      must(EVP_CipherUpdate(evp, out, &n, piece.data(),
                            static_cast<int>(piece.size()))
           == 1);
      in = in.subspan(piece.size());
      if (out != nullptr)
        out += piece.size();
    }
  }

  bool finish() {
    std::array<uint8_t, chacha_poly_tag_size> rest;
    int n = 0;
    return EVP_CipherFinal_ex(evp, rest.data(), &n) == 1;
  }

  EVP_CIPHER_CTX* evp;
};

chacha_poly::chacha_poly(std::span<const uint8_t, 32> key)
  : context_(std::make_unique<context>(key)) {}

chacha_poly::~chacha_poly() = default;
chacha_poly::chacha_poly(chacha_poly&&) noexcept = default;
chacha_poly& chacha_poly::operator=(chacha_poly&&) noexcept = default;

void chacha_poly::begin_sealing(uint64_t nonce, std::span<const uint8_t> ad) {
  context_->begin(encrypt, nonce, ad);
}

void chacha_poly::begin_opening(uint64_t nonce, std::span<const uint8_t> ad) {
  context_->begin(decrypt, nonce, ad);
}

void chacha_poly::update(std::span<const uint8_t> in, uint8_t* out) {
  context_->update(in, out);
}

void chacha_poly::finish_sealing(std::span<uint8_t, chacha_poly_tag_size> tag) {
  must(context_->finish());
  must(EVP_CIPHER_CTX_ctrl(context_->evp, EVP_CTRL_AEAD_GET_TAG,
                           chacha_poly_tag_size, tag.data())
       == 1);
}

bool chacha_poly::finish_opening(
    std::span<const uint8_t, chacha_poly_tag_size> tag) {
  std::array<uint8_t, chacha_poly_tag_size> copy;
  std::ranges::copy(tag, copy.begin());
  must(EVP_CIPHER_CTX_ctrl(context_->evp, EVP_CTRL_AEAD_SET_TAG,
                           chacha_poly_tag_size, copy.data())
       == 1);
  return context_->finish();
}

void chacha_poly::set_key(std::span<const uint8_t, 32> key) {
  must(EVP_CipherInit_ex2(context_->evp, nullptr, key.data(), nullptr,
                          same_as_before, nullptr)
       == 1);
}

} // namespace peapod
