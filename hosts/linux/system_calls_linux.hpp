#pragma once

#include <span>

/// What the daemon asks of the kernel, by the names of its system calls. They
/// were found by tracing whole daemons in the tests of tests/e2e; some stand
/// beside those for other kernels, C libraries and machines.
namespace peapod {

/// Calls that may be made with any argument. What a machine does not have is
/// not there: aarch64 knows `openat` alone, x86_64 `open`, too.
std::span<const char* const> allowed_calls();

/// Calls that only somebody makes who has taken the daemon over: they end it.
std::span<const char* const> deadly_calls();

} // namespace peapod
