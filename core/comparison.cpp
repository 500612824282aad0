#include "core/comparison.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

void comparison::add(const device_id& source, uint64_t offset,
                     const slice& bytes, bool holds) {
  // A copy: it must not keep a whole chunk alive.
  samples_.emplace(
      next_++, sample{source, offset, slice{bytes.text()}, holds, false, {}});
}

std::optional<comparison::question> comparison::poll() {
  auto asked =
      std::ranges::count_if(samples_, [](auto& kv) { return kv.second.asked; });
  if (static_cast<size_t>(asked) >= at_a_time_)
    return std::nullopt;
  auto next = samples_.end();
  for (auto i = samples_.begin(); i != samples_.end(); ++i)
    if (!i->second.asked
        && (next == samples_.end() || i->second.offset < next->second.offset))
      next = i;
  if (next == samples_.end())
    return std::nullopt;
  next->second.asked = true;
  return question{next->first, next->second.range(),
                  next->second.first.has_value(), next->second.holds};
}

std::optional<comparison::finding> comparison::answered(uint64_t number,
                                                        const slice& bytes) {
  auto i = samples_.find(number);
  if (i == samples_.end())
    return std::nullopt;
  at_a_time_ = std::min(at_a_time_ + 1, max_questions);
  auto& x = i->second;
  if (x.first)
    return settle(i, bytes.text() == x.first->text() ? verdict::lied
                                                     : verdict::inconsistent);
  if (bytes.text() == x.bytes.text())
    return settle(i, verdict::same);
  // Asked again under another number: a late answer is not the second one.
  auto again = std::move(x);
  samples_.erase(i);
  again.asked = false;
  again.first = bytes;
  samples_.emplace(next_++, std::move(again));
  return std::nullopt;
}

std::optional<comparison::finding> comparison::unanswered(uint64_t number) {
  auto i = samples_.find(number);
  if (i == samples_.end())
    return std::nullopt;
  at_a_time_ = 1;
  return settle(i,
                i->second.first ? verdict::inconsistent : verdict::unanswered);
}

void comparison::forget(const device_id& source) {
  std::erase_if(samples_, [&](auto& kv) { return kv.second.source == source; });
}

size_t comparison::release() {
  return std::erase_if(
      samples_, [](auto& kv) { return kv.second.holds && !kv.second.first; });
}

std::optional<uint64_t> comparison::first_held() const {
  std::optional<uint64_t> out;
  for (auto& [number, x] : samples_)
    if (x.holds && (!out || x.offset < *out))
      out = x.offset;
  return out;
}

bool comparison::holds(const device_id& source) const {
  return std::ranges::any_of(samples_, [&](auto& kv) {
    return kv.second.holds && kv.second.source == source;
  });
}

size_t comparison::others() const {
  return static_cast<size_t>(std::ranges::count_if(
      samples_, [](auto& kv) { return !kv.second.holds; }));
}

comparison::finding comparison::settle(place i, verdict what) {
  finding out{what, i->second.source, i->second.range(), i->second.holds};
  samples_.erase(i);
  return out;
}

} // namespace peapod
