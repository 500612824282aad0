#include "hosts/console/series.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <vector>

namespace peapod::console {

namespace {

constexpr duration window = std::chrono::seconds(60);

double in_seconds(duration x) {
  return std::chrono::duration<double>(x).count();
}

} // namespace

void series::add(instant now, double value) {
  samples_.emplace_back(now, value);
  while (samples_.front().first < now - window - std::chrono::seconds(5))
    samples_.pop_front();
}

double series::last() const {
  return samples_.empty() ? 0 : samples_.back().second;
}

double series::slope(duration span) const {
  if (samples_.size() < 2)
    return 0;
  auto& end = samples_.back();
  auto from = std::find_if(samples_.begin(), samples_.end(), [&](auto& x) {
    return x.first >= end.first - span;
  });
  auto time = in_seconds(end.first - from->first);
  return time <= 0 ? 0 : std::max(0.0, (end.second - from->second) / time);
}

std::string series::sparkline(instant now, size_t cells) const {
  constexpr std::array<const char*, 8> signs{"▁", "▂", "▃", "▄",
                                             "▅", "▆", "▇", "█"};
  if (cells == 0)
    return "";
  std::vector<double> sums(cells), counts(cells);
  double most = 0;
  for (auto& [time, value] : samples_) {
    auto ago = in_seconds(now - time) / in_seconds(window);
    if (ago < 0 || ago >= 1)
      continue;
    auto i = cells - 1 - static_cast<size_t>(ago * static_cast<double>(cells));
    sums[i] += value;
    ++counts[i];
    most = std::max(most, value);
  }
  std::string out;
  std::optional<double> before;
  for (size_t i = 0; i < cells; ++i) {
    // Answers come about once a second, not exactly: a gap is no zero.
    if (counts[i] > 0)
      before = sums[i] / counts[i];
    auto level = most > 0 && before ? *before / most * 7 + 0.5 : 0;
    out +=
        before ? signs[static_cast<size_t>(std::clamp(level, 0.0, 7.0))] : " ";
  }
  return out;
}

} // namespace peapod::console
