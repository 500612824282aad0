#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Who fetches which chunk, as arithmetic over indices.
namespace peapod {

/// A chunk and the worker that fetches it, by index.
struct chunk_assignment {
  size_t chunk = 0;
  size_t worker = 0;

  bool operator==(const chunk_assignment&) const = default;
};

/// Every chunk to worker 0.
std::vector<chunk_assignment> assign_single(size_t chunks);

/// Chunk `i` to worker `i mod workers`; empty without workers.
std::vector<chunk_assignment> assign_round_robin(size_t chunks, size_t workers);

/// Each worker gets one run of chunks, as many as its share of all weights,
/// rounded down; what is left over goes one each to the first workers that
/// have a weight. Round robin when the weights say nothing: one is missing or
/// too many, or their sum is zero or exceeds 64 bits.
std::vector<chunk_assignment>
assign_weighted(size_t chunks, size_t workers,
                std::span<const uint64_t> weights);

/// The chunks of the worker that `left`, given round robin to the others in
/// order of their index; only what changes. Without others they stay with it.
std::vector<chunk_assignment>
reassign_after_peer_left(std::span<const chunk_assignment> current,
                         size_t workers, size_t left);

} // namespace peapod
