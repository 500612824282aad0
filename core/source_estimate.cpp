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

duration time_of(uint64_t bytes, double rate) {
  auto time = std::min(static_cast<double>(bytes) / rate, max_seconds);
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(time));
}

} // namespace

source_estimate source_estimate::at_another_origin() const {
  auto out = *this;
  out.latency_.reset();
  out.head_ = {};
  out.shortest_.reset();
  out.answers_ = false;
  return out;
}

void source_estimate::answered(duration way) {
  see(answers_ ? std::min(latency() * 17 / 16, way) : way);
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
    see(std::max(
        *shortest_
            - (rate ? time_of(shortest_bytes_, *rate) : duration::zero()),
        duration{1ms}));
  // Grows with what was tried, however many of that size end at once.
  auto last = static_cast<double>(size_);
  auto tried = max_growth * static_cast<double>(bytes);
  auto wanted = rate             ? *rate * seconds_of(quantum)
                : took < quantum ? tried
                                 : last / 2;
  wanted = std::clamp(wanted, last / 2, std::max(last, tried));
  size_ = std::clamp(static_cast<uint64_t>(wanted), sizes_.least, sizes_.most);
}

void source_estimate::resize(duration quantum) {
  if (auto rate = meter_.rate())
    size_ = std::clamp(static_cast<uint64_t>(*rate * seconds_of(quantum)),
                       sizes_.least, sizes_.most);
}

void source_estimate::silent(uint64_t backlog, duration time) {
  // At its rate all of it would be here by now.
  if (auto late = time - latency(); late > sure)
    meter_.limit(static_cast<double>(backlog) / seconds_of(late));
}

void source_estimate::distrust(instant now) {
  size_ = sizes_.least;
  meter_ = {};
  meter_.started(now);
}

/// An origin may be late with one thing and prompt with the next. What the head
/// of the next took longer, or less, the source's way does.
duration source_estimate::latency() const {
  if (!latency_ || head_ == duration::zero() || head_then_ == duration::zero())
    return latency_.value_or(head_);
  return std::max(*latency_ + head_ - head_then_, std::min(*latency_, head_));
}

void source_estimate::see(duration latency) {
  latency_ = latency;
  head_then_ = head_;
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
