#include "hosts/common/cli.hpp"
#include "hosts/common/daemon.hpp"
#include "hosts/common/demo.hpp"
#include "hosts/console/console.hpp"
#include "hosts/linux/desktops_linux.hpp"

#ifdef PEAPOD_SYSTEM_BUS
#include "hosts/linux/conditions_linux.hpp"
#endif

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

/// Chunks come and go by the megabyte: without this glibc gives their pages
/// back each time, and faulting them in again costs as much as the crypto.
void keep_chunk_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

} // namespace

int main(int argc, char** argv) {
  keep_chunk_memory();
  peapod::cli_hooks hooks;
  hooks.version = PEAPOD_VERSION;
  hooks.run_daemon = [](const peapod::settings& x) {
    peapod::daemon_hooks daemon;
    daemon.find_desktops = peapod::find_desktops;
#ifdef PEAPOD_SYSTEM_BUS
    daemon.watch_conditions = peapod::watch_conditions;
#endif
    return peapod::run_daemon(x, PEAPOD_VERSION, daemon);
  };
  hooks.find_desktops = peapod::find_desktops;
  hooks.run_demo = peapod::run_demo;
  hooks.run_console = peapod::run_console;
  return peapod::run_cli(argc, argv, hooks);
}
