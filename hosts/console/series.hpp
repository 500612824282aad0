#pragma once

#include "core/types.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

namespace peapod::console {

/// A figure over the last minute.
class series {
public:
  void add(instant now, double value);

  /// The last value; 0 when there is none.
  double last() const;

  /// How fast a growing figure grew over the last `span`, per second; 0 when
  /// it is not known.
  double slope(duration span) const;

  /// The last minute up to `now` in `cells` signs, `▁` for nothing to `█` for
  /// the most; a space where nothing is known.
  std::string sparkline(instant now, size_t cells) const;

private:
  std::deque<std::pair<instant, double>> samples_; ///< oldest first
};

} // namespace peapod::console
