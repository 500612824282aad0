#pragma once

#include <span>
#include <string_view>

namespace peapod {

/// Exit codes of the program: the same meaning for every command.
enum exit_code : int {
  exit_ok = 0,
  exit_failure = 1, ///< something failed at run time
  exit_usage = 2,   ///< wrong arguments or configuration
  exit_gave_up = 70 ///< the daemon cannot go on (EX_SOFTWARE of sysexits.h)
};

/// What an exit code means, for manuals.
struct exit_meaning {
  exit_code code;
  std::string_view text; ///< a sentence
};

/// All of them, sorted by code.
std::span<const exit_meaning> exit_meanings();

} // namespace peapod
