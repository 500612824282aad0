#include "core/interval_set.hpp"

#include <algorithm>
#include <iterator>

namespace peapod {

void interval_set::insert(byte_range x) {
  if (x.empty())
    return;
  auto i = ranges_.upper_bound(x.begin);
  if (i != ranges_.begin() && std::prev(i)->second >= x.begin)
    --i;
  while (i != ranges_.end() && i->first <= x.end) {
    x.begin = std::min(x.begin, i->first);
    x.end = std::max(x.end, i->second);
    i = ranges_.erase(i);
  }
  ranges_.emplace(x.begin, x.end);
}

void interval_set::erase(byte_range x) {
  if (x.empty())
    return;
  auto i = ranges_.upper_bound(x.begin);
  if (i != ranges_.begin() && std::prev(i)->second > x.begin)
    --i;
  while (i != ranges_.end() && i->first < x.end) {
    byte_range old{i->first, i->second};
    i = ranges_.erase(i);
    if (old.begin < x.begin)
      ranges_.emplace(old.begin, x.begin);
    if (old.end > x.end)
      i = ranges_.emplace(x.end, old.end).first;
  }
}

bool interval_set::contains(byte_range x) const {
  if (x.empty())
    return true;
  auto i = ranges_.upper_bound(x.begin);
  return i != ranges_.begin() && std::prev(i)->second >= x.end;
}

bool interval_set::intersects(byte_range x) const {
  auto first = first_from(x.begin);
  return !x.empty() && first && first->begin < x.end;
}

std::optional<byte_range> interval_set::first_from(uint64_t offset) const {
  auto i = ranges_.upper_bound(offset);
  if (i != ranges_.begin() && std::prev(i)->second > offset)
    return byte_range{offset, std::prev(i)->second};
  if (i == ranges_.end())
    return std::nullopt;
  return byte_range{i->first, i->second};
}

std::vector<byte_range> interval_set::gaps(byte_range x) const {
  std::vector<byte_range> out;
  auto at = x.begin;
  while (at < x.end) {
    auto next = first_from(at);
    auto end = next ? std::min(next->begin, x.end) : x.end;
    if (at < end)
      out.push_back({at, end});
    at = next ? std::max(next->end, end) : x.end;
  }
  return out;
}

uint64_t interval_set::size() const {
  uint64_t out = 0;
  for (auto [begin, end] : ranges_)
    out += end - begin;
  return out;
}

} // namespace peapod
