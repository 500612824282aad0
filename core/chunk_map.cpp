#include "core/chunk_map.hpp"

#include "core/integrity.hpp"

#include <algorithm>

namespace peapod {

std::vector<byte_range> split_into_chunks(byte_range body,
                                          uint64_t chunk_size) {
  if (chunk_size == 0)
    chunk_size = default_chunk_size;
  std::vector<byte_range> out;
  for (auto begin = body.begin; begin < body.end;) {
    auto end = begin + std::min(chunk_size, body.end - begin);
    out.push_back({begin, end});
    begin = end;
  }
  return out;
}

chunk_map::chunk_map(transfer_id transfer, byte_range body, uint64_t chunk_size)
  : transfer_(transfer),
    body_(body),
    chunk_size_(chunk_size == 0 ? default_chunk_size : chunk_size),
    chunks_(split_into_chunks(body, chunk_size_)),
    payloads_(chunks_.size()),
    present_(chunks_.size()) {}

result<chunk_receipt> chunk_map::receive(const transfer_id& transfer,
                                         byte_range range, const digest& hash,
                                         slice payload) {
  if (transfer != transfer_)
    return make_error(errc::integrity_failed, "a chunk of another transfer");
  auto chunk = find(range);
  if (chunk && !present_[*chunk]) {
    if (payload.size() != range.size())
      return make_error(errc::mismatch, "a chunk has not the length asked for");
    if (sha256(payload.bytes()) != hash)
      return make_error(errc::integrity_failed, "a chunk has a wrong hash");
    payloads_[*chunk] = std::move(payload);
    present_[*chunk] = true;
    ++received_;
  }
  return complete() ? chunk_receipt::complete : chunk_receipt::in_progress;
}

std::optional<size_t> chunk_map::find(byte_range range) const {
  if (range.begin < body_.begin)
    return std::nullopt;
  auto i = (range.begin - body_.begin) / chunk_size_;
  if (i >= chunks_.size() || chunks_[i] != range)
    return std::nullopt;
  return static_cast<size_t>(i);
}

std::vector<slice> chunk_map::pieces() const {
  std::vector<slice> out;
  for (size_t i = 0; i < chunks_.size(); ++i)
    if (present_[i])
      out.push_back(payloads_[i]);
  return out;
}

} // namespace peapod
