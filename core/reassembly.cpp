#include "core/reassembly.hpp"

#include <algorithm>

namespace peapod {

uint64_t reassembly::insert(uint64_t offset, const slice& bytes) {
  auto range =
      intersection({offset, offset + bytes.size()}, {head_, body_.end});
  uint64_t added = 0;
  for (auto gap : present_.gaps(range)) {
    pieces_.emplace(gap.begin, bytes.sub(gap.begin - offset, gap.size()));
    added += gap.size();
  }
  present_.insert(range);
  buffered_ += added;
  return added;
}

interval_set reassembly::here() const {
  auto out = present_;
  out.insert({body_.begin, head_});
  return out;
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
