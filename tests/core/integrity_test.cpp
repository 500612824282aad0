#define CAF_SUITE integrity

#include "core/integrity.hpp"

#include "tests/core/vectors.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

CAF_TEST(a chunk has the hash of the reference) {
  for (const auto& x : vectors::section("hash_chunk")) {
    const auto* payload = x.as_object().if_contains("payload");
    auto bytes = payload ? vectors::bytes(*payload) : vectors::payload_256k();
    CAF_CHECK_EQUAL(to_string(sha256(bytes)), vectors::text(x.at("hash")));
  }
}

CAF_TEST(a hash does not depend on how the bytes come) {
  auto bytes = vectors::payload_256k();
  auto whole = sha256(bytes);
  sha256_hasher hasher;
  for (size_t step : {1u, 63u, 64u, 65u, 4096u, 262144u}) {
    for (size_t i = 0; i < bytes.size(); i += step)
      hasher.update(
          std::span{bytes}.subspan(i, std::min(step, bytes.size() - i)));
    CAF_CHECK(hasher.finish() == whole);
  }
  CAF_CHECK(hasher.finish() == sha256({}));
}
