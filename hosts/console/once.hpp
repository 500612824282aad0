#pragma once

#include "hosts/common/cli.hpp"
#include "hosts/common/styled_text.hpp"

#include <iosfwd>

namespace peapod::console {

/// Prints the overview (tree, peers, transfers, the last crashes) once, as
/// text or as one JSON object of the daemon's answers. Returns the exit code.
int print_once(const console_options& options, std::ostream& out,
               std::ostream& err, const print_style& style);

} // namespace peapod::console
