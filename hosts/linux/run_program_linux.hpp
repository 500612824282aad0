#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace peapod {

/// What a program has said, and how it ended.
struct program_outcome {
  int status = 0;  ///< exit code; 128 and the signal when one ended it
  std::string out; ///< standard output, at most 64 KiB
  std::string err; ///< standard error, at most 64 KiB
};

/// How long programs may take that ask or tell a desktop something.
constexpr duration default_patience = std::chrono::seconds(3);

/// Runs a program of the PATH without input and waits for it. Past `patience`
/// it is killed. Errors: `not_found`, `timed_out`, `io_failed`.
result<program_outcome> run_program(const std::vector<std::string>& words,
                                    duration patience = default_patience);

/// Whatever runs programs like that, within `default_patience`.
using program_runner = std::function<result<program_outcome>(
    const std::vector<std::string>& words)>;

} // namespace peapod
