#include "core/spot_choice.hpp"

#include <algorithm>
#include <array>

namespace peapod {

namespace {

/// The first sample of a source is a fiftieth of what it has brought, so that
/// little is not sampled at great expense, but not less than this.
constexpr uint64_t least_sample = 512;

/// Bytes of a source with which its first sample is due, whom it disturbs or
/// not.
constexpr uint64_t first_by = 64_KiB;

/// How many bytes of a source later another sample is taken at the latest.
constexpr uint64_t longest_delay = 2 * spot_choice::block_size;

/// `size` bytes around `middle`, as far as `range` has them.
byte_range around(byte_range range, uint64_t middle, uint64_t size) {
  size = std::min(size, range.size());
  auto begin = std::max(range.begin, middle - std::min(middle, size / 2));
  begin = std::min(begin, range.end - size);
  return {begin, begin + size};
}

} // namespace

std::vector<byte_range> spot_choice::choose(const device_id& source,
                                            byte_range range, uint64_t from,
                                            room left) {
  std::vector<byte_range> out;
  if (percent_ == 0 || range.empty())
    return out;
  auto& x = sources_[source];
  auto before = x.seen;
  x.seen += range.size();
  draw_blocks(x);
  if (!x.begun && x.seen >= sample_size && left != room::none) {
    auto size = std::clamp(x.seen / 50, least_sample, sample_size);
    auto middle = range.begin + draw(range.size());
    if (auto spot = place(range, from, middle, size, x.seen > first_by)) {
      x.begun = true;
      out.push_back(*spot);
    }
  }
  std::erase_if(x.spots, [&](uint64_t spot) {
    if (spot >= x.seen || left != room::all)
      return false;
    // One that was put off lies anywhere in what comes now.
    auto offset = spot >= before ? spot - before : draw(range.size());
    auto taken = place(range, from, range.begin + offset, sample_size,
                       x.seen - spot > longest_delay);
    if (taken)
      out.push_back(*taken);
    return taken.has_value();
  });
  return out;
}

/// A sample around `middle`, or further behind where it does not disturb.
std::optional<byte_range> spot_choice::place(byte_range range, uint64_t from,
                                             uint64_t middle, uint64_t size,
                                             bool overdue) {
  byte_range quiet{std::max(range.begin, from), range.end};
  if (quiet.size() < std::min(range.size(), size)) {
    if (!overdue)
      return std::nullopt;
    quiet = range;
  }
  if (!quiet.contains(middle))
    middle = quiet.begin + draw(quiet.size());
  return around(quiet, middle, size);
}

/// Decides on each block of which something has come. The first one has the
/// sample of the first bytes.
void spot_choice::draw_blocks(history& x) {
  x.drawn = std::max<uint64_t>(x.drawn, 1);
  for (; x.drawn * block_size < x.seen; ++x.drawn) {
    if (x.drawn == x.next_group) {
      x.certain = x.drawn + draw(3 * x.drawn);
      x.next_group = 4 * x.drawn;
    }
    bool lucky = draw(100) < percent_;
    if (lucky || x.drawn == x.certain)
      x.spots.push_back(x.drawn * block_size + draw(block_size));
  }
}

uint64_t spot_choice::draw(uint64_t limit) {
  return draw_below(random_, limit);
}

uint64_t draw_below(const random_source& random, uint64_t limit) {
  uint64_t out = 0;
  std::array<uint8_t, sizeof(out)> bytes{};
  random(bytes);
  for (auto byte : bytes)
    out = out << 8 | byte;
  return out % limit;
}

} // namespace peapod
