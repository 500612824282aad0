#include "core/audit.hpp"

#include "core/spot_choice.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

/// A copy of the bytes around `middle`: it must not keep a whole chunk alive.
audit::sample cut(const device_id& source, uint64_t offset, const slice& bytes,
                  uint64_t middle) {
  auto size = std::min<uint64_t>(audit::sample_size, bytes.size());
  auto begin = std::min(middle - std::min(middle, size / 2),
                        static_cast<uint64_t>(bytes.size()) - size);
  return {offset + begin, slice{bytes.sub(begin, size).text()}, source};
}

} // namespace

void audit::add(const device_id& source, uint64_t offset, const slice& bytes) {
  if (bytes.empty())
    return;
  auto& to = reservoir_of(source);
  to.seen += bytes.size();
  // A byte of these is chosen with the probability that is theirs of all.
  for (auto& kept : to.kept)
    if (auto at = draw(to.seen); at < bytes.size())
      kept = cut(source, offset, bytes, at);
}

std::vector<audit::sample> audit::samples() const {
  std::map<byte_range, sample> unique;
  auto collect = [&unique](const reservoir& from) {
    for (auto& x : from.kept)
      if (!x.bytes.empty())
        unique.emplace(x.range(), x);
  };
  for (auto& [source, kept] : sources_)
    collect(kept);
  collect(others_);
  std::vector<sample> out;
  for (auto& [range, x] : unique)
    out.push_back(x);
  return out;
}

void audit::forget(const device_id& source) {
  sources_.erase(source);
  for (auto& x : others_.kept)
    if (x.source == source)
      x = {};
}

audit::reservoir& audit::reservoir_of(const device_id& source) {
  if (auto i = sources_.find(source); i != sources_.end())
    return i->second;
  return sources_.size() < max_sources ? sources_[source] : others_;
}

uint64_t audit::draw(uint64_t limit) {
  return draw_below(random_, limit);
}

} // namespace peapod
