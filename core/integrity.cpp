#include "core/integrity.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace peapod {

namespace {

/// Looking an algorithm up by name costs more than hashing a small message.
const EVP_MD* algorithm() {
  static const EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

/// OpenSSL fails here only when it is out of memory or has no SHA-256.
void must(bool ok) {
  if (!ok)
    throw std::runtime_error("SHA-256 is not available");
}

} // namespace

struct sha256_hasher::context {
  context() : md(EVP_MD_CTX_new()) {
    must(md != nullptr);
    start();
  }
  ~context() {
    EVP_MD_CTX_free(md);
  }
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  void start() {
    must(EVP_DigestInit_ex2(md, algorithm(), nullptr) == 1);
  }

  EVP_MD_CTX* md;
};

sha256_hasher::sha256_hasher() : context_(std::make_unique<context>()) {}

sha256_hasher::~sha256_hasher() = default;
sha256_hasher::sha256_hasher(sha256_hasher&&) noexcept = default;
sha256_hasher& sha256_hasher::operator=(sha256_hasher&&) noexcept = default;

void sha256_hasher::update(std::span<const uint8_t> bytes) {
  must(EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()) == 1);
}

digest sha256_hasher::finish() {
  digest out;
  must(EVP_DigestFinal_ex(context_->md, out.bytes.data(), nullptr) == 1);
  context_->start();
  return out;
}

digest sha256(std::span<const uint8_t> bytes) {
  digest out;
  must(EVP_Digest(bytes.data(), bytes.size(), out.bytes.data(), nullptr,
                  algorithm(), nullptr)
       == 1);
  return out;
}

} // namespace peapod
