#pragma once

#include <span>
#include <string_view>

namespace peapod {

/// Exit codes of the program: the same meaning for every command.
enum exit_code : int {
  exit_ok = 0,
  exit_failure = 1, ///< something failed at run time
  exit_usage = 2,   ///< wrong arguments or configuration
  // -- of downloads and uploads -----------------------------------------------
  exit_network = 3,  ///< no name, no connection, or it broke too often
  exit_tls = 4,      ///< the server could not prove who it is
  exit_http = 5,     ///< the server answered with an error
  exit_file = 6,     ///< the disk is full, the file exists, no permission
  exit_checksum = 7, ///< the bytes do not have the hash they should have
  exit_changed = 8,  ///< what was begun is no longer what the server has
  // -- of the daemon ----------------------------------------------------------
  exit_gave_up = 70, ///< it cannot go on (EX_SOFTWARE of sysexits.h)
  // -- of all -----------------------------------------------------------------
  exit_interrupted = 130, ///< Ctrl-C, where it is not an ordinary end
};

/// What an exit code means, for manuals.
struct exit_meaning {
  exit_code code;
  std::string_view text; ///< a sentence
};

/// All of them, sorted by code.
std::span<const exit_meaning> exit_meanings();

} // namespace peapod
