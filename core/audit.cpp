#include "core/audit.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

/// A copy of the bytes around `middle`: it must not keep a whole chunk alive.
audit::sample cut(uint64_t offset, const slice& bytes, uint64_t middle) {
  auto size = std::min<uint64_t>(audit::sample_size, bytes.size());
  auto begin = std::min(middle - std::min(middle, size / 2),
                        static_cast<uint64_t>(bytes.size()) - size);
  return {offset + begin, slice{bytes.sub(begin, size).text()}};
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
      kept = cut(offset, bytes, at);
}

std::vector<audit::sample> audit::samples() const {
  std::map<byte_range, slice> unique;
  auto collect = [&unique](const reservoir& from) {
    if (from.seen > 0)
      for (auto& x : from.kept)
        unique.emplace(x.range(), x.bytes);
  };
  for (auto& [source, kept] : sources_)
    collect(kept);
  collect(others_);
  std::vector<sample> out;
  for (auto& [range, bytes] : unique)
    out.push_back({range.begin, bytes});
  return out;
}

audit::reservoir& audit::reservoir_of(const device_id& source) {
  if (auto i = sources_.find(source); i != sources_.end())
    return i->second;
  return sources_.size() < max_sources ? sources_[source] : others_;
}

/// A number below `limit`. That some are likelier by 2^-20 at most, with
/// bodies of up to 2^44 bytes, does not matter here.
uint64_t audit::draw(uint64_t limit) {
  uint64_t out = 0;
  std::array<uint8_t, sizeof(out)> bytes{};
  random_(bytes);
  for (auto byte : bytes)
    out = out << 8 | byte;
  return out % limit;
}

} // namespace peapod
