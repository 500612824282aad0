#include "hosts/console/source_map.hpp"

#include <algorithm>
#include <optional>

namespace peapod::console {

namespace {

using source = std::optional<std::string>;

/// Who has the largest share of the part of a body from `begin` to `end`, both
/// in cells of the daemon's map.
source owner(const std::vector<control::map_run>& map, double begin,
             double end) {
  std::map<source, double> shares;
  double at = 0;
  for (auto& run : map) {
    auto next = at + static_cast<double>(run.cells);
    auto common = std::min(next, end) - std::max(at, begin);
    if (common > 0)
      shares[run.source] += common;
    at = next;
  }
  auto most =
      std::max_element(shares.begin(), shares.end(),
                       [](auto& a, auto& b) { return a.second < b.second; });
  return most == shares.end() ? source{} : most->first;
}

} // namespace

legend::mark legend::of(const std::string& source) {
  auto number = numbers_.emplace(source, numbers_.size()).first->second;
  return {std::string(1, static_cast<char>('A' + number % 26)),
          source_tone(number)};
}

line map_line(const control::transfer& x, size_t cells, legend& who) {
  double all = 0;
  for (auto& run : x.map)
    all += static_cast<double>(run.cells);
  line out;
  auto step = all / static_cast<double>(std::max<size_t>(cells, 1));
  for (size_t i = 0; i < cells; ++i) {
    auto begin = step * static_cast<double>(i);
    auto found = owner(x.map, begin, begin + step);
    auto mark = found ? who.of(*found) : legend::mark{"·", tone::dim};
    // One piece for cells side by side that look alike.
    if (!out.spans.empty() && out.spans.back().how == mark.how)
      out.spans.back().text += mark.letter;
    else
      out.add(mark.letter, mark.how);
  }
  return out;
}

} // namespace peapod::console
