#pragma once

#include "core/noise.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <vector>

/// What the tests of protocol 2 have in common.
namespace peapod {

inline noise::secret_key secret_of(std::span<const uint8_t> bytes) {
  return noise::secret_key{bytes.first<noise::key_size>()};
}

/// Random bytes that are the same in every run with the same seed.
inline random_source seeded_random(uint64_t seed) {
  return [engine = std::mt19937_64{seed}](std::span<uint8_t> out) mutable {
    for (auto& x : out)
      x = static_cast<uint8_t>(engine());
  };
}

/// The points of low order of curve 25519 and their other encodings below
/// 2^255.
inline std::vector<public_key> low_order_keys() {
  std::vector<public_key> out;
  auto ends_in = [](std::string_view first, std::string_view last) {
    auto fill = first == "ec" || first == "ed" || first == "ee" ? 'f' : '0';
    return std::string{first} + std::string(60, fill) + std::string{last};
  };
  for (const auto& hex :
       {ends_in("00", "00"), ends_in("01", "00"), ends_in("ec", "7f"),
        ends_in("ed", "7f"), ends_in("ee", "7f"),
        std::string{"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd86620516"
                    "5f49b800"},
        std::string{"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224edd"
                    "d09f1157"}})
    out.push_back(public_key::from(from_hex(hex)));
  return out;
}

inline bool contains(std::span<const uint8_t> bytes,
                     std::span<const uint8_t> what) {
  return std::search(bytes.begin(), bytes.end(), what.begin(), what.end())
         != bytes.end();
}

/// Whether the memory of a `T` made of `args`, which has `secret` while it
/// lives, still has it afterwards.
template <class T, class... Args>
bool leaves_behind(std::span<const uint8_t> secret, Args&&... args) {
  alignas(T) std::array<uint8_t, sizeof(T)> memory{};
  auto* x = new (memory.data()) T{std::forward<Args>(args)...};
  if (!contains(memory, secret))
    throw std::logic_error("the secret is somewhere else");
  std::destroy_at(x);
  return contains(memory, secret);
}

/// Whether `secret` lies in the memory of a `T` made of `args`, while it lives
/// or afterwards. What it keeps in pages of its own does not.
template <class T, class... Args>
bool ever_has(std::span<const uint8_t> secret, Args&&... args) {
  alignas(T) std::array<uint8_t, sizeof(T)> memory{};
  auto* x = new (memory.data()) T{std::forward<Args>(args)...};
  bool has = contains(memory, secret);
  std::destroy_at(x);
  return has || contains(memory, secret);
}

} // namespace peapod
