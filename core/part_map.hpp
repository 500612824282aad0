#pragma once

#include "core/types.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace peapod {

/// Which source brought which part of one body, as a picture of a fixed number
/// of cells of equal size: its memory does not grow with the body.
class part_map {
public:
  /// Cells that lie side by side and were brought by one source.
  struct run {
    std::optional<device_id> source; ///< nothing where nothing is here yet
    unsigned cells = 0;
    bool operator==(const run&) const = default;
  };

  /// A body shorter than `cells` bytes has a cell for each byte.
  explicit part_map(byte_range body, unsigned cells = 120);

  /// `source` has brought `range`; what lies outside the body does not count.
  void add(const device_id& source, byte_range range);

  /// From the start of the body to its end: each cell belongs to the source
  /// that brought most of it.
  std::vector<run> runs() const;

private:
  byte_range cell(size_t index) const;
  size_t index_of(uint64_t offset) const;

  byte_range body_;
  std::vector<std::map<device_id, uint64_t>> cells_;
};

} // namespace peapod
