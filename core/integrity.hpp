#pragma once

#include "core/types.hpp"

#include <memory>
#include <span>

namespace peapod {

/// SHA-256 of `bytes` (FIPS 180-4).
digest sha256(std::span<const uint8_t> bytes);

/// SHA-256 of bytes that come in pieces.
class sha256_hasher {
public:
  sha256_hasher();
  ~sha256_hasher();
  sha256_hasher(sha256_hasher&&) noexcept;
  sha256_hasher& operator=(sha256_hasher&&) noexcept;

  void update(std::span<const uint8_t> bytes);

  /// The digest of everything since the last call; starts anew.
  digest finish();

private:
  struct context;
  std::unique_ptr<context> context_;
};

} // namespace peapod
