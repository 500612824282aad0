#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <optional>
#include <vector>

namespace peapod {

/// The size of a chunk when nobody says otherwise, in bytes.
constexpr uint64_t default_chunk_size = 256_KiB;

/// Cuts `body` into chunks of `chunk_size` bytes (0: the default), the last one
/// as long as the rest.
std::vector<byte_range> split_into_chunks(byte_range body,
                                          uint64_t chunk_size = 0);

/// Whether a body is complete after a chunk was taken.
enum class chunk_receipt { in_progress, complete };

/// The chunks of one transfer: what is here, what is missing, and the body in
/// the end. All ranges are offsets in the resource, also when the body is only
/// a part of it.
class chunk_map {
public:
  chunk_map(transfer_id transfer, byte_range body, uint64_t chunk_size = 0);

  /// Takes a chunk. A range that is not one of this map, or that is here
  /// already, changes nothing. Errors: `integrity_failed` for another transfer
  /// or a wrong SHA-256, `mismatch` when the payload is not as long as its
  /// range. After an error the chunk is still missing.
  result<chunk_receipt> receive(const transfer_id& transfer, byte_range range,
                                const digest& hash, slice payload);

  const std::vector<byte_range>& chunks() const {
    return chunks_;
  }

  /// The index of the chunk with exactly this range.
  std::optional<size_t> find(byte_range range) const;

  bool has(size_t chunk) const {
    return present_[chunk];
  }

  bool complete() const {
    return received_ == chunks_.size();
  }

  byte_range body() const {
    return body_;
  }

  /// The payloads in order; only the whole body when `complete()`.
  std::vector<slice> pieces() const;

private:
  transfer_id transfer_;
  byte_range body_;
  uint64_t chunk_size_;
  std::vector<byte_range> chunks_;
  std::vector<slice> payloads_;
  std::vector<bool> present_;
  size_t received_ = 0;
};

} // namespace peapod
