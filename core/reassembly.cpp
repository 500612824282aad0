#include "core/reassembly.hpp"

#include <algorithm>

namespace peapod {

uint64_t reassembly::insert(uint64_t offset, const slice& bytes) {
  byte_range range{offset, offset + bytes.size()};
  uint64_t added = 0;
  for (auto gap : missing(range)) {
    pieces_.emplace(gap.begin, bytes.sub(gap.begin - offset, gap.size()));
    added += gap.size();
  }
  present_.insert(intersection(range, {head_, body_.end}));
  buffered_ += added;
  return added;
}

void reassembly::remove(byte_range x) {
  auto i = pieces_.lower_bound(x.begin);
  if (i != pieces_.begin())
    --i; // it may reach into `x`
  while (i != pieces_.end() && i->first < x.end) {
    auto begin = i->first;
    auto bytes = i->second;
    byte_range whole{begin, begin + bytes.size()};
    auto gone = intersection(whole, x);
    if (gone.empty()) {
      ++i;
      continue;
    }
    i = pieces_.erase(i);
    buffered_ -= gone.size();
    present_.erase(gone);
    if (gone.begin > whole.begin)
      pieces_.emplace(whole.begin, bytes.sub(0, gone.begin - whole.begin));
    if (gone.end < whole.end)
      pieces_.emplace(gone.end, bytes.sub(gone.end - whole.begin));
  }
}

interval_set reassembly::here() const {
  auto out = present_;
  out.insert({body_.begin, head_});
  return out;
}

std::vector<byte_range> reassembly::missing(byte_range x) const {
  return present_.gaps(intersection(x, {head_, body_.end}));
}

slice reassembly::next(uint64_t limit, uint64_t barrier) {
  auto first = pieces_.begin();
  if (first == pieces_.end() || first->first != head_ || barrier <= head_)
    return {};
  auto count = std::min(
      {limit, barrier - head_, static_cast<uint64_t>(first->second.size())});
  auto out = first->second.sub(0, count);
  auto rest = first->second.sub(count);
  pieces_.erase(first);
  if (!rest.empty())
    pieces_.emplace(head_ + count, std::move(rest));
  present_.erase({head_, head_ + count});
  head_ += count;
  buffered_ -= count;
  return out;
}

} // namespace peapod
