#define CAF_SUITE part_cutter

#include "hosts/get/part_cutter.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>

using namespace peapod;

namespace {

constexpr uint64_t MB = 1'000'000;

struct outcome {
  std::vector<byte_range> parts;
  double seconds = 0; ///< until the last line has ended
};

/// Lines with these rates bring a file, two parts at a time each; a line is
/// known once it has brought a part.
outcome upload(uint64_t size, uint64_t least, std::vector<double> rates) {
  outcome out;
  part_cutter cutter{size, least, 64 * MB};
  std::vector<double> queued(rates.size());
  std::vector<std::vector<double>> parts(rates.size());
  std::vector<bool> known(rates.size());
  constexpr double step = 0.05;
  for (double now = 0; now < 10'000; now += step) {
    for (size_t i = 0; i < rates.size(); ++i) {
      while (parts[i].size() < 2) {
        std::vector<line_load> lines;
        for (size_t j = 0; j < rates.size(); ++j) {
          double left = 0;
          for (auto x : parts[j])
            left += x;
          lines.push_back({known[j] ? rates[j] : 0, left});
        }
        auto part = cutter.next(lines, i);
        if (!part)
          break;
        out.parts.push_back(*part);
        parts[i].push_back(static_cast<double>(part->size()));
      }
      auto moved = rates[i] * step;
      while (moved > 0 && !parts[i].empty()) {
        auto some = std::min(moved, parts[i][0]);
        moved -= some;
        parts[i][0] -= some;
        if (parts[i][0] <= 0) {
          parts[i].erase(parts[i].begin());
          known[i] = true;
        }
        out.seconds = now + step;
      }
    }
    if (cutter.left() == 0
        && std::ranges::all_of(parts, [](auto& x) { return x.empty(); }))
      break;
  }
  return out;
}

/// How much of what the lines could have brought was used.
double efficiency(uint64_t size, uint64_t least, std::vector<double> rates) {
  double sum = 0;
  for (auto x : rates)
    sum += x;
  auto took = upload(size, least, rates).seconds;
  return static_cast<double>(size) / sum / took;
}

} // namespace

CAF_TEST(parts follow each other without a gap and keep to the bounds) {
  auto parts = upload(100 * MB, 5 * MB, {1e6, 5e6, 7e6}).parts;
  uint64_t at = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    CAF_CHECK_EQUAL(parts[i].begin, at);
    if (i + 1 < parts.size())
      CAF_CHECK(parts[i].size() >= 5 * MB);
    CAF_CHECK(parts[i].size() <= 64 * MB + 5 * MB);
    at = parts[i].end;
  }
  CAF_CHECK_EQUAL(at, 100 * MB);
}

CAF_TEST(equal lines end together) {
  CAF_CHECK(efficiency(100 * MB, 5 * MB, {5e6, 5e6, 5e6}) > 0.97);
  CAF_CHECK(efficiency(1000 * MB, 5 * MB, {5e6, 5e6, 5e6}) > 0.97);
}

CAF_TEST(a slow line holds up nobody for long) {
  CAF_CHECK(efficiency(100 * MB, 5 * MB, {5e6, 5e6, 1e6}) > 0.85);
  CAF_CHECK(efficiency(1000 * MB, 5 * MB, {5e6, 5e6, 1e6}) > 0.85);
}

CAF_TEST(what is smaller than a part is one) {
  part_cutter cutter{100, 5 * MB, 64 * MB};
  auto part = cutter.next({{0, 0}}, 0);
  CAF_REQUIRE(part.has_value());
  CAF_CHECK_EQUAL(part->size(), 100u);
  CAF_CHECK(!cutter.next({{0, 0}}, 0));
}

CAF_TEST(the last part is for the line that has it there first) {
  part_cutter cutter{4 * MB, 5 * MB, 64 * MB};
  std::vector<line_load> lines{{1e6, 0}, {10e6, 5e6}};
  CAF_CHECK(!cutter.next(lines, 0));
  CAF_CHECK(cutter.next(lines, 1).has_value());
}
