#pragma once

#include "core/error.hpp"
#include "hosts/common/exit_code.hpp"

#include <string>

namespace peapod {

/// Exit codes of `peapod get` and `peapod put` (docs/GET.md).
enum class get_exit : int {
  done = exit_ok,
  failed = exit_failure,  ///< anything that has no code of its own
  usage = exit_usage,     ///< wrong arguments
  network = exit_network, ///< no name, no connection, or it broke too often
  tls = exit_tls,         ///< the server could not prove who it is
  http = exit_http,       ///< the server answered with an error
  file = exit_file,       ///< the disk is full, the file exists, no permission
  checksum = exit_checksum, ///< the bytes do not have the hash they should have
  changed = exit_changed,   ///< what was begun is no longer what the server has
  interrupted = exit_interrupted,
};

/// Why something could not be done: how the program ends, and a sentence.
struct get_failure {
  get_exit code = get_exit::failed;
  std::string text;
};

/// What an error means, for people.
std::string words_for(const error& why);

/// What an error of the network means for the command.
get_failure as_failure(const error& why);

/// Whether a later try may go better, by itself.
bool may_pass(const error& why);

} // namespace peapod
