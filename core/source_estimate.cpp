#include "core/source_estimate.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

constexpr duration unknown_time = 300ms;

/// Nothing is expected to take longer.
constexpr double max_seconds = 3600;

/// Shorter silences mean nothing.
constexpr duration sure = 200ms;

double seconds(duration x) {
  return std::chrono::duration<double>(x).count();
}

duration time_of(uint64_t bytes, double rate) {
  auto time = std::min(static_cast<double>(bytes) / rate, max_seconds);
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(time));
}

} // namespace

source_estimate source_estimate::at_another_origin() const {
  auto out = *this;
  out.latency_.reset();
  out.shortest_.reset();
  out.answers_ = false;
  return out;
}

void source_estimate::answered(duration way) {
  latency_ = answers_ ? std::min(*latency_ * 17 / 16, way) : way;
  answers_ = true;
}

void source_estimate::finished(uint64_t bytes, uint64_t ahead, instant granted,
                               duration quantum, instant now) {
  auto took = now - granted;
  if (!shortest_ || took <= *shortest_) {
    shortest_ = took;
    shortest_bytes_ = ahead;
  }
  auto rate = meter_.rate();
  // What is left of the shortest without the bytes is the way, or less: the
  // rate has the ways in it.
  if (!answers_)
    latency_ = std::max(
        *shortest_
            - (rate ? time_of(shortest_bytes_, *rate) : duration::zero()),
        duration{1ms});
  // Grows with what was tried, however many of that size end at once.
  auto last = static_cast<double>(size_);
  auto tried = max_growth * static_cast<double>(bytes);
  auto wanted = rate             ? *rate * seconds(quantum)
                : took < quantum ? tried
                                 : last / 2;
  wanted = std::clamp(wanted, last / 2, std::max(last, tried));
  size_ = std::clamp(static_cast<uint64_t>(wanted), sizes_.least, sizes_.most);
}

void source_estimate::resize(duration quantum) {
  if (auto rate = meter_.rate())
    size_ = std::clamp(static_cast<uint64_t>(*rate * seconds(quantum)),
                       sizes_.least, sizes_.most);
}

void source_estimate::silent(uint64_t backlog, duration time) {
  // At its rate all of it would be here by now.
  if (auto late = time - latency(); late > sure)
    meter_.limit(static_cast<double>(backlog) / seconds(late));
}

void source_estimate::distrust(instant now) {
  size_ = sizes_.least;
  meter_ = {};
  meter_.started(now);
}

duration source_estimate::time_for(uint64_t bytes) const {
  auto rate = meter_.rate();
  if (!rate || *rate < 1)
    return unknown_time;
  auto time = std::min(static_cast<double>(bytes) / *rate, max_seconds);
  return std::max(
      std::chrono::duration_cast<duration>(std::chrono::duration<double>(time)),
      latency());
}

} // namespace peapod
