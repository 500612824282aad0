#include "tests/sim/link.hpp"

#include <algorithm>
#include <numeric>

namespace peapod::sim {

std::vector<double> share(double rate, std::span<const double> caps) {
  std::vector<size_t> order(caps.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return caps[i]; });
  std::vector<double> out(caps.size());
  auto left = rate;
  for (size_t i = 0; i < order.size(); ++i) {
    auto even = left / static_cast<double>(order.size() - i);
    out[order[i]] = std::min(even, caps[order[i]]);
    left -= out[order[i]];
  }
  return out;
}

} // namespace peapod::sim
