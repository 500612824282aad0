#pragma once

#include "hosts/linux/run_program_linux.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace peapod {

/// A process that runs programs for this one, which may not do so itself once
/// its system calls are filtered. It holds no secret and hears nothing but
/// this process, whose end is its own, too.
class program_helper {
public:
  /// Which programs it runs, and with which arguments. Others are refused, so
  /// that who takes this process over gains little.
  using filter = bool (*)(const std::vector<std::string>& words);

  /// Forks, so call it before there are threads and secrets. Error:
  /// `io_failed`.
  static result<std::unique_ptr<program_helper>> start(filter may_run);

  /// Lets it end, and waits for that.
  ~program_helper();

  program_helper(const program_helper&) = delete;
  program_helper& operator=(const program_helper&) = delete;

  /// As `run_program` does. Errors: also `not_allowed`, and `gone` when the
  /// helper has ended.
  result<program_outcome> run(const std::vector<std::string>& words,
                              duration patience = default_patience);

private:
  program_helper(int socket, int pid) : socket_(socket), pid_(pid) {}

  int socket_;
  int pid_;
};

} // namespace peapod
