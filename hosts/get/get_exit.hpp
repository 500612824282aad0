#pragma once

#include "core/error.hpp"

#include <string>

namespace peapod {

/// Exit codes of `peapod get` and `peapod put` (docs/GET.md).
enum class get_exit : int {
  done = 0,
  failed = 1,   ///< anything that has no code of its own
  usage = 2,    ///< wrong arguments
  network = 3,  ///< no name, no connection, or it broke too often
  tls = 4,      ///< the server could not prove who it is
  http = 5,     ///< the server answered with an error
  file = 6,     ///< the disk is full, the file exists, no permission
  checksum = 7, ///< the bytes do not have the hash they should have
  changed = 8,  ///< what was begun is no longer what the server has
  interrupted = 130,
};

/// Why something could not be done: how the program ends, and a sentence.
struct get_failure {
  get_exit code = get_exit::failed;
  std::string text;
};

/// What an error of the network means for the command.
get_failure as_failure(const error& why);

/// Whether a later try may go better, by itself.
bool may_pass(const error& why);

} // namespace peapod
