#define CAF_SUITE spot_choice

#include "core/spot_choice.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

constexpr auto block = spot_choice::block_size;

const device_id peer{{1}};

random_source seeded(unsigned seed) {
  return [engine = std::mt19937{seed}](std::span<uint8_t> out) mutable {
    std::ranges::generate(out, [&] { return static_cast<uint8_t>(engine()); });
  };
}

/// What is chosen of `size` bytes that come in pieces.
std::vector<byte_range> choose(spot_choice& x, uint64_t size, uint64_t piece) {
  std::vector<byte_range> out;
  for (uint64_t at = 0; at < size; at += piece)
    for (auto y : x.choose(peer, {at, std::min(size, at + piece)}))
      out.push_back(y);
  return out;
}

uint64_t bytes_of(const std::vector<byte_range>& all) {
  uint64_t out = 0;
  for (auto& x : all)
    out += x.size();
  return out;
}

} // namespace

CAF_TEST(with nought percent nothing is ever chosen) {
  spot_choice x{0, seeded(1)};
  CAF_CHECK(choose(x, 64_MiB, 1_MiB).empty());
}

CAF_TEST(the first piece of a source is sampled) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    spot_choice x{2, seeded(seed)};
    auto first = x.choose(peer, {7'000'000, 7'000'000 + 64_KiB});
    CAF_REQUIRE_EQUAL(first.size(), 1u);
    byte_range whole{7'000'000, 7'000'000 + 64_KiB};
    CAF_CHECK(whole.contains(first[0]));
    CAF_CHECK(first[0].size() <= 64_KiB / 50 && first[0].size() >= 512);
  }
}

CAF_TEST(crumbs are sampled once they are more than crumbs) {
  spot_choice x{2, seeded(1)};
  CAF_CHECK(choose(x, 4000, 100).empty());
  spot_choice y{2, seeded(1)};
  CAF_CHECK_EQUAL(choose(y, 5000, 100).size(), 1u);
}

CAF_TEST(each group of blocks of a source is sampled) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    spot_choice x{1, seeded(seed)};
    auto all = choose(x, 64_MiB, 1_MiB);
    for (uint64_t from = 1; from < 256; from *= 4)
      CAF_CHECK(std::ranges::any_of(all, [&](auto& y) {
        // A sample around a byte of the block may begin before it.
        return y.end > from * block && y.begin < 4 * from * block;
      }));
  }
}

CAF_TEST(a sample that would disturb is put off but not for ever) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    spot_choice x{100, seeded(seed)};
    CAF_CHECK(x.choose(peer, {0, 32_KiB}, 32_KiB).empty());
    CAF_CHECK_EQUAL(x.choose(peer, {32_KiB, 80_KiB}, 80_KiB).size(), 1u);
    auto next = x.choose(peer, {block, 2 * block}, 2 * block);
    CAF_CHECK(next.empty());
    // What is far enough behind is taken from there.
    next = x.choose(peer, {2 * block, 3 * block}, 2 * block + block / 2);
    CAF_CHECK(!next.empty());
    for (auto& y : next)
      CAF_CHECK(y.begin >= 2 * block + block / 2);
  }
}

CAF_TEST(without room samples stay due) {
  spot_choice x{100, seeded(1)};
  using room = spot_choice::room;
  CAF_CHECK(x.choose(peer, {0, block}, 0, room::none).empty());
  CAF_CHECK_EQUAL(x.choose(peer, {block, 3 * block}, 0, room::first).size(),
                  1u);
  auto later = x.choose(peer, {3 * block, 3 * block + 64_KiB}, 0, room::all);
  CAF_CHECK(later.size() >= 2);
}

CAF_TEST(all samples together are fewer than two percent) {
  for (unsigned percent : {1u, 2u, 30u, 100u})
    for (auto piece : {4_KiB, 64_KiB, 1_MiB, 4_MiB})
      for (unsigned seed = 0; seed < 20; ++seed) {
        spot_choice x{percent, seeded(seed)};
        auto size = 512_KiB + seed * 777_KiB;
        auto all = choose(x, size, piece);
        CAF_CHECK(bytes_of(all) * 50 < size);
        for (auto& y : all)
          CAF_CHECK(y.size() <= spot_choice::sample_size && !y.empty());
      }
}

CAF_TEST(a hundred percent sample each block) {
  spot_choice x{100, seeded(1)};
  CAF_CHECK_EQUAL(choose(x, 40 * block, 64_KiB).size(), 40u);
}

CAF_TEST(as many blocks are sampled as was set) {
  // 10 percent of 1000 blocks, one in each of five groups, and the first.
  size_t count = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    spot_choice x{10, seeded(seed)};
    count += choose(x, 1000 * block, 1_MiB).size();
  }
  auto expected = 20 * (100 + 6 * 0.9);
  CAF_CHECK(std::abs(static_cast<double>(count) - expected) < 5 * 43);
}

CAF_TEST(every part of a block is as likely as any other) {
  std::array<unsigned, 16> hits{};
  for (unsigned seed = 0; seed < 40; ++seed) {
    spot_choice x{100, seeded(seed)};
    auto all = choose(x, 100 * block, 1_MiB);
    for (size_t i = 1; i < all.size(); ++i)
      ++hits[(all[i].begin + all[i].size() / 2) % block / (block / 16)];
  }
  // 3960 in all: 247 each, with a standard deviation of 15.
  for (auto x : hits)
    CAF_CHECK(x > 247 - 75 && x < 247 + 75);
}

CAF_TEST(sources are counted apart) {
  spot_choice x{2, seeded(1)};
  CAF_CHECK_EQUAL(x.choose(device_id{{1}}, {0, 64_KiB}).size(), 1u);
  CAF_CHECK_EQUAL(x.choose(device_id{{2}}, {64_KiB, 128_KiB}).size(), 1u);
}
