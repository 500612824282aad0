#pragma once

#include "hosts/common/styled_text.hpp"

#include <string>
#include <vector>

namespace peapod {

/// One column of a table.
struct column {
  std::string title;
  bool right = false; ///< numbers stand on the right
  size_t least = 0;   ///< columns it never falls below
  /// Whether it may be cut down to `least` when the table is too wide.
  bool flexible = false;
  /// Columns with larger numbers are left out first when cutting does not
  /// help; 0: never.
  unsigned expendable = 0;
};

using table_row = std::vector<span>;

/// A line of titles and one for each row, each at most `width` columns wide. A
/// row may have fewer cells than there are columns.
lines table(std::vector<column> columns, const std::vector<table_row>& rows,
            size_t width = SIZE_MAX);

} // namespace peapod
