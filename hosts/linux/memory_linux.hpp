#pragma once

#include "core/error.hpp"

namespace peapod {

/// Keeps this process's memory, keys included, to itself: it leaves no core
/// dump, other processes of the same user cannot trace it or read its memory,
/// and its folder in /proc belongs to root (PR_SET_DUMPABLE of prctl(2),
/// RLIMIT_CORE of setrlimit(2)). To be called before a key is read, and after
/// the user has changed, which undoes it. Programs that it starts leave no core
/// dumps either.
///
/// Does nothing under sanitizers, which trace their own process. Error:
/// `io_failed`.
result<void> hide_memory();

} // namespace peapod
