#define CAF_SUITE audit

#include "core/audit.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

device_id device(uint16_t number) {
  device_id out;
  out.bytes[0] = static_cast<uint8_t>(number);
  out.bytes[1] = static_cast<uint8_t>(number >> 8);
  return out;
}

random_source seeded(unsigned seed) {
  return [engine = std::mt19937{seed}](std::span<uint8_t> out) mutable {
    std::ranges::generate(out, [&] { return static_cast<uint8_t>(engine()); });
  };
}

/// Bytes that follow from their offsets, without memory of their own.
slice content(byte_range range) {
  static const auto bytes = [] {
    byte_buffer out(128_KiB);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<uint8_t>(i % 251);
    return std::make_shared<const byte_buffer>(std::move(out));
  }();
  return {bytes, bytes->data() + range.begin % 251, range.size()};
}

void bring(audit& to, uint16_t source, byte_range range) {
  to.add(device(source), range.begin, content(range));
}

} // namespace

CAF_TEST(a sample is a small part of what a source brought) {
  std::vector<byte_range> brought{
      {0, 10}, {100'000, 100'000 + audit::sample_size}, {200'000, 260'000}};
  for (unsigned seed = 0; seed < 100; ++seed) {
    audit x{seeded(seed)};
    for (auto& range : brought)
      bring(x, 1, range);
    auto samples = x.samples();
    CAF_CHECK(!samples.empty());
    CAF_CHECK(samples.size() <= audit::samples_per_source);
    for (auto& y : samples) {
      auto from = std::ranges::find_if(
          brought, [&](auto& range) { return range.contains(y.range()); });
      CAF_REQUIRE(from != brought.end());
      auto whole = std::min(audit::sample_size, from->size());
      CAF_CHECK_EQUAL(y.bytes.size(), whole);
      CAF_CHECK(y.bytes.text() == content(y.range()).text());
    }
  }
}

CAF_TEST(nothing brought gives no samples) {
  audit x{seeded(1)};
  bring(x, 1, {5, 5});
  CAF_CHECK(x.samples().empty());
}

CAF_TEST(a source that brought little is sampled once) {
  audit x{seeded(1)};
  bring(x, 1, {7, 107});
  auto samples = x.samples();
  CAF_REQUIRE_EQUAL(samples.size(), 1u);
  CAF_CHECK(samples[0].range() == (byte_range{7, 107}));
}

CAF_TEST(every part of what a source brought is as likely as any other) {
  constexpr uint64_t piece = 8_KiB;
  constexpr size_t pieces = 10, rounds = 2000;
  std::array<size_t, pieces> hits{};
  for (unsigned seed = 0; seed < rounds; ++seed) {
    audit x{seeded(seed)};
    for (uint64_t i = 0; i < pieces; ++i)
      bring(x, 1, {i * piece, (i + 1) * piece});
    for (auto& y : x.samples())
      ++hits[y.offset / piece];
  }
  // Equal ones are counted once, which makes somewhat less than 800 each.
  for (auto count : hits)
    CAF_CHECK(count > 600 && count < 900);
}

CAF_TEST(the edges of a piece are sampled too) {
  std::set<uint64_t> begins;
  for (unsigned seed = 0; seed < 100; ++seed) {
    audit x{seeded(seed)};
    bring(x, 1, {0, 4 * audit::sample_size});
    for (auto& y : x.samples())
      begins.insert(y.offset);
  }
  CAF_CHECK_EQUAL(*begins.begin(), 0u);
  CAF_CHECK_EQUAL(*begins.rbegin(), 3 * audit::sample_size);
}

CAF_TEST(a sample keeps nothing alive but itself) {
  audit x{seeded(1)};
  auto chunk = std::make_shared<byte_buffer>(1_MiB);
  x.add(device(1), 0, slice{chunk, chunk->data(), chunk->size()});
  CAF_CHECK(!x.samples().empty());
  CAF_CHECK_EQUAL(chunk.use_count(), 1);
}

CAF_TEST(every source is sampled and new names do not take more memory) {
  audit x{seeded(1)};
  for (uint16_t i = 0; i < audit::max_sources; ++i)
    bring(x, i, {i * 1_MiB, i * 1_MiB + 64_KiB});
  std::set<uint64_t> sources;
  for (auto& y : x.samples())
    sources.insert(y.offset / 1_MiB);
  CAF_CHECK_EQUAL(sources.size(), audit::max_sources);
  for (uint16_t i = audit::max_sources; i < 1000; ++i)
    bring(x, i, {i * 1_MiB, i * 1_MiB + 16_KiB});
  auto samples = x.samples();
  CAF_CHECK(samples.size() > sources.size());
  CAF_CHECK(samples.size()
            <= (audit::max_sources + 1) * audit::samples_per_source);
  CAF_CHECK(samples.back().offset >= audit::max_sources * 1_MiB);
}

CAF_TEST(who lies half of the time is found in fifteen of sixteen bodies) {
  constexpr unsigned rounds = 2000;
  unsigned found = 0;
  for (unsigned seed = 0; seed < rounds; ++seed) {
    audit x{seeded(seed)};
    for (uint64_t i = 0; i < 20; ++i)
      bring(x, 1, {i * 8_KiB, (i + 1) * 8_KiB});
    found += std::ranges::any_of(
        x.samples(), [](auto& y) { return y.offset / 8_KiB % 2 == 0; });
  }
  // 1875 of 2000 are expected, with a standard deviation of 11.
  CAF_CHECK(found > 1820 && found < 1930);
}
