#pragma once

#include "core/types.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace peapod {

/// How much of an upload a line has before it.
struct line_load {
  double rate = 0;   ///< bytes a second; 0: not known yet
  double queued = 0; ///< bytes that it has still to bring
};

/// Cuts a file into parts while it is uploaded, so that all lines end at the
/// same time: what is large at first becomes smaller as less is left, down to
/// what the server takes as a part.
class part_cutter {
public:
  /// `least` and `most` bytes of a part; the last one may be smaller.
  part_cutter(uint64_t size, uint64_t least, uint64_t most)
    : size_(size), least_(least), most_(most) {}

  /// The next part for the line `which` of all that there are. Nothing when
  /// all is cut, or when another line has it at the server sooner.
  std::optional<byte_range> next(std::vector<line_load> lines, size_t which);

  /// Bytes that are not cut yet.
  uint64_t left() const {
    return size_ - at_;
  }

private:
  uint64_t wanted(const std::vector<line_load>& lines, size_t which,
                  bool known) const;

  uint64_t size_;
  uint64_t least_;
  uint64_t most_;
  uint64_t at_ = 0;
};

} // namespace peapod
