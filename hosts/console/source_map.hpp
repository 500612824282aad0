#pragma once

#include "hosts/common/control_data.hpp"
#include "hosts/common/styled_text.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace peapod::console {

/// A letter and a colour for each device that brings parts of bodies. A device
/// keeps what it has got.
class legend {
public:
  struct mark {
    std::string letter;
    tone how = tone::plain;
  };

  /// The mark of a device; `self` is A.
  mark of(const std::string& source);

private:
  std::map<std::string, size_t> numbers_{{"self", 0}};
};

/// The map of a transfer in `cells` cells: each shows who brought most of its
/// part, or `·` when most of it is missing.
line map_line(const control::transfer& x, size_t cells, legend& who);

} // namespace peapod::console
