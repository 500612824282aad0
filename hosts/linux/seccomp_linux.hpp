#pragma once

#include "core/error.hpp"

namespace peapod {

/// From now on all threads of this process, and those to come, can make only
/// the system calls that the daemon needs (seccomp(2)). Nothing takes it back.
///
/// - Calls that only an attacker makes, execve and ptrace among them, end the
///   process (SIGSYS).
/// - Others that are known fail with EPERM; what is newer than libseccomp, and
///   arguments that are not allowed, with ENOSYS, so that the C library takes
///   what it took on older kernels.
/// - `clone` begins threads, not processes; sockets are TCP, UDP, of this
///   machine, and netlink's about routes: none of them raw; no memory is both
///   written and executed; signals go to this process alone.
///
/// The kernel logs what is refused (audit, type SECCOMP). Error: `io_failed`
/// when the kernel cannot do it; nothing has changed then.
result<void> confine_system_calls();

} // namespace peapod
