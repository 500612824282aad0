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
