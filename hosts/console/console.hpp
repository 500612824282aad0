#pragma once

#include "hosts/common/cli.hpp"

namespace peapod {

/// Runs the console on the terminal of the process until the user quits or a
/// signal comes, or prints the overview with `once`. Returns the exit code.
int run_console(const console_options& options);

} // namespace peapod
