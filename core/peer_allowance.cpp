#include "core/peer_allowance.hpp"

#include "core/part_size.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

constexpr duration longest_wait = 100ms;

/// What a limited rate brings in this time is read at a time.
constexpr double piece_seconds = 0.05;

constexpr double least_piece = 4 * 1024;
constexpr double most_piece = piece_size;

} // namespace

peer_allowance::peer_allowance(uint64_t max_rate, bool yields)
  : max_rate_(static_cast<double>(max_rate)),
    yields_(yields),
    bucket_(max_rate) {}

void peer_allowance::look(uint64_t own_total, instant now) {
  if (!yields_)
    return;
  auto own =
      own_total - std::exchange(own_total_, own_total).value_or(own_total);
  own_first_.moved(own, std::exchange(for_peers_, 0), now);
  auto rate = own_first_.limit().value_or(0);
  if (max_rate_ > 0)
    rate = rate > 0 ? std::min(rate, max_rate_) : max_rate_;
  if (rate != bucket_.rate())
    bucket_.set_rate(rate, now);
}

duration peer_allowance::wait(double place, instant now) {
  return std::min(bucket_.wait(place, now), longest_wait);
}

size_t peer_allowance::piece() const {
  if (bucket_.rate() <= 0)
    return static_cast<size_t>(most_piece);
  return static_cast<size_t>(
      std::clamp(bucket_.rate() * piece_seconds, least_piece, most_piece));
}

} // namespace peapod
