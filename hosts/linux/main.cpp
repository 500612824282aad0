#include "hosts/common/cli.hpp"
#include "hosts/common/daemon.hpp"
#include "hosts/common/demo.hpp"
#include "hosts/console/console.hpp"
#include "hosts/get/get_run.hpp"
#include "hosts/get/put_run.hpp"
#include "hosts/linux/capabilities_linux.hpp"
#include "hosts/linux/desktops_linux.hpp"
#include "hosts/linux/doctor_linux.hpp"
#include "hosts/linux/memory_linux.hpp"
#include "hosts/linux/program_helper_linux.hpp"

#ifdef PEAPOD_SECCOMP
#include "hosts/linux/seccomp_linux.hpp"
#endif
#ifdef PEAPOD_SYSTEM_BUS
#include "hosts/linux/conditions_linux.hpp"
#endif

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <iostream>

namespace {

using namespace peapod;

/// Chunks come and go by the megabyte: without this glibc gives their pages
/// back each time, and faulting them in again costs as much as the crypto.
void keep_chunk_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

/// With programs of its own the command line asks desktops, the daemon with
/// those of a helper.
session_desktops find_by_running(const process_environment& env) {
  return find_desktops(env, [](auto& words) { return run_program(words); });
}

int run_linux_daemon(const settings& x) {
  // Before there are threads and keys, and for the helper, too.
  if (auto done = keep_capabilities(needed_capabilities(x)); !done)
    std::cerr << "peapod: " << done.error().detail << "; going on with them\n";
  auto helper = program_helper::start(is_for_desktops);
  auto run = [&](auto& words) -> result<program_outcome> {
    return helper ? (**helper).run(words) : helper.error();
  };
  daemon_hooks daemon;
  daemon.find_desktops = [&](const process_environment& env) {
    return find_desktops(env, run);
  };
#ifdef PEAPOD_SYSTEM_BUS
  daemon.watch_conditions = watch_conditions;
#endif
#ifdef PEAPOD_SECCOMP
  daemon.confine = confine_system_calls;
#endif
  return run_daemon(x, PEAPOD_VERSION, daemon);
}

} // namespace

int main(int argc, char** argv) {
  keep_chunk_memory();
  // Not only the daemon handles keys and secrets.
  if (auto hidden = hide_memory(); !hidden)
    std::cerr << "peapod: " << hidden.error().detail << '\n';
  cli_hooks hooks;
  hooks.version = PEAPOD_VERSION;
  hooks.run_daemon = run_linux_daemon;
  hooks.find_desktops = find_by_running;
  hooks.probe_system = linux_probe();
  hooks.run_demo = run_demo;
  hooks.run_console = run_console;
  hooks.run_get = [](const get_options& x) {
    return run_get(x, PEAPOD_VERSION);
  };
  hooks.run_put = [](const put_options& x) {
    return run_put(x, PEAPOD_VERSION);
  };
  return run_cli(argc, argv, hooks);
}
