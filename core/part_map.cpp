#include "core/part_map.hpp"

#include <algorithm>

namespace peapod {

namespace {

/// `x * num / den` without overflow, for `num <= den`.
uint64_t scaled(uint64_t x, uint64_t num, uint64_t den) {
  return x / den * num + x % den * num / den;
}

} // namespace

part_map::part_map(byte_range body, unsigned cells)
  : body_(body), cells_(std::min<uint64_t>(body.size(), cells)) {}

void part_map::add(const device_id& source, byte_range range) {
  auto rest = intersection(range, body_);
  for (size_t i = rest.empty() ? 0 : index_of(rest.begin); !rest.empty(); ++i) {
    auto part = intersection(rest, cell(i));
    cells_[i][source] += part.size();
    rest.begin = part.end;
  }
}

std::vector<part_map::run> part_map::runs() const {
  std::vector<run> out;
  auto less = [](auto& x, auto& y) { return x.second < y.second; };
  for (auto& by_source : cells_) {
    auto most = std::ranges::max_element(by_source, less);
    std::optional<device_id> source;
    if (most != by_source.end())
      source = most->first;
    if (out.empty() || out.back().source != source)
      out.push_back({source, 0});
    ++out.back().cells;
  }
  return out;
}

byte_range part_map::cell(size_t index) const {
  auto edge = [&](size_t i) {
    return body_.begin + scaled(body_.size(), i, cells_.size());
  };
  return {edge(index), edge(index + 1)};
}

size_t part_map::index_of(uint64_t offset) const {
  size_t low = 0;
  size_t high = cells_.size() - 1;
  while (low < high) {
    auto middle = (low + high) / 2;
    if (cell(middle).end <= offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

} // namespace peapod
