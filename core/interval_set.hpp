#pragma once

#include "core/types.hpp"

#include <map>
#include <optional>
#include <vector>

namespace peapod {

/// A set of offsets, kept as disjoint half-open ranges that never touch.
class interval_set {
public:
  /// Adds `x`, merging with what it overlaps or touches.
  void insert(byte_range x);

  /// Removes `x`, splitting what it overlaps.
  void erase(byte_range x);

  /// Whether all of `x` is in the set.
  bool contains(byte_range x) const;

  /// Whether any offset of `x` is in the set.
  bool intersects(byte_range x) const;

  /// The first range at or behind `offset`, cut to begin at `offset`.
  std::optional<byte_range> first_from(uint64_t offset) const;

  /// The parts of `x` that are not in the set, in order.
  std::vector<byte_range> gaps(byte_range x) const;

  bool empty() const {
    return ranges_.empty();
  }

  /// The end of the last range; 0 when the set is empty.
  uint64_t bound() const {
    return ranges_.empty() ? 0 : ranges_.rbegin()->second;
  }

  /// How many offsets the set holds.
  uint64_t size() const;

private:
  std::map<uint64_t, uint64_t> ranges_; ///< begin to end
};

} // namespace peapod
