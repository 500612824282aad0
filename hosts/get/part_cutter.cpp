#include "hosts/get/part_cutter.hpp"

#include <algorithm>

namespace peapod {

namespace {

/// Parts that a line should get of its share, at least; more while nobody
/// knows which lines are slow.
constexpr double parts_of_share = 4;
constexpr double parts_of_unknown_share = 8;

/// A line that has brought nothing yet counts as the others do on average.
void guess_rates(std::vector<line_load>& lines) {
  double sum = 0;
  unsigned known = 0;
  for (auto& x : lines) {
    sum += x.rate;
    known += x.rate > 0 ? 1 : 0;
  }
  for (auto& x : lines)
    if (x.rate <= 0)
      x.rate = known > 0 ? sum / known : 1;
}

} // namespace

std::optional<byte_range> part_cutter::next(std::vector<line_load> lines,
                                            size_t which) {
  if (left() == 0)
    return std::nullopt;
  bool known = lines.at(which).rate > 0;
  guess_rates(lines);
  auto size = std::min(wanted(lines, which, known), left());
  if (size == 0)
    return std::nullopt;
  // A request for a few bytes would cost more than they do.
  if (left() - size < least_ / 4)
    size = left();
  byte_range out{at_, at_ + size};
  at_ = out.end;
  return out;
}

/// 0: another line is to have it.
uint64_t part_cutter::wanted(const std::vector<line_load>& lines, size_t which,
                             bool known) const {
  auto& own = lines[which];
  auto least = static_cast<double>(least_);
  double rates = 0;
  auto work = static_cast<double>(left());
  for (auto& x : lines) {
    rates += x.rate;
    work += x.queued;
  }
  auto share = work * own.rate / rates - own.queued;
  if (share >= 2 * least) {
    auto part = share / (known ? parts_of_share : parts_of_unknown_share);
    return std::clamp(static_cast<uint64_t>(part), least_, most_);
  }
  if (share >= least)
    return std::min(static_cast<uint64_t>(share), most_);
  auto part = std::min(least, static_cast<double>(left()));
  auto time = [part](const line_load& x) { return (x.queued + part) / x.rate; };
  auto soonest = std::ranges::min_element(lines, {}, time);
  return time(own) <= time(*soonest) ? least_ : 0;
}

} // namespace peapod
