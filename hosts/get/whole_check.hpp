#pragma once

#include "core/error.hpp"
#include "core/integrity.hpp"
#include "core/origin_digest.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace peapod {

/// What a hash has to be, and who says so.
struct expected_digest {
  origin_digest value;
  std::string said_by; ///< as in `--checksum`
};

/// Looks at the bytes of a file in order: at its end it knows whether they are
/// what they should be.
class whole_check {
public:
  whole_check() = default;
  whole_check(std::optional<uint64_t> size,
              const std::vector<expected_digest>& expected);

  void update(std::span<const uint8_t> bytes);

  /// What is wrong, if anything: `integrity_failed`.
  std::optional<error> judge();

  /// SHA-256 of all bytes.
  digest finish() {
    return hash_.finish();
  }

private:
  struct check {
    digest_check hash;
    std::string said_by;
  };

  std::optional<uint64_t> size_; ///< that there should be
  uint64_t seen_ = 0;
  sha256_hasher hash_;
  std::vector<check> checks_;
};

} // namespace peapod
