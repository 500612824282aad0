#pragma once

#include "core/types.hpp"
#include "hosts/common/command_table.hpp"
#include "hosts/common/config.hpp"
#include "hosts/common/doctor_probe.hpp"
#include "hosts/common/exit_code.hpp"
#include "hosts/common/get_options.hpp"
#include "hosts/common/system_proxy.hpp"

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

namespace peapod {

/// What `peapod demo` shows: a pod of daemons on this machine that download
/// one file together.
struct demo_options {
  unsigned devices = 3;                ///< 2 to 8
  uint64_t line_rate = 40'000'000 / 8; ///< bytes per second of each device
  uint64_t size = 100_MiB;             ///< bytes of the file
  bool keep_running = false;           ///< stay up until a signal comes
};

/// What `peapod console` shows, and how.
struct console_options {
  std::filesystem::path socket; ///< of the daemon
  bool once = false;            ///< print the overview and end
  bool json = false;            ///< with `once`: as one JSON object
  bool pod = false;             ///< the actors of all devices of the pod
};

/// What a host gives the command line to run.
struct cli_hooks {
  std::string version;
  /// Runs the daemon in the foreground; its exit code.
  std::function<int(const settings&)> run_daemon;
  /// Runs the demo; its exit code.
  std::function<int(const demo_options&)> run_demo;
  /// Runs the console; its exit code.
  std::function<int(const console_options&)> run_console;
  /// Downloads and uploads; their exit codes are those of docs/GET.md.
  std::function<int(const get_options&)> run_get;
  std::function<int(const put_options&)> run_put;
  /// Finds the desktops whose proxy `peapod proxy` sets.
  std::function<session_desktops(const process_environment&)> find_desktops;
  /// What only the operating system knows of it, for `peapod doctor`.
  system_probe probe_system;
};

/// The whole command line: `peapod --actor-config FILE`, `check-config`, `id`,
/// `status` and the other questions to a daemon, `proxy`, `secret`, `console`,
/// `demo`, `doctor`, `get`, `put`, `completion`, `--version`, `--help`.
/// Arguments of the form
/// `--section.key=value` override the file. Returns the exit code.
int run_cli(int argc, const char* const* argv, const cli_hooks& hooks);

/// The same with other streams and another environment than the process's.
int run_cli(int argc, const char* const* argv, const cli_hooks& hooks,
            const process_environment& env, std::ostream& out,
            std::ostream& err);

/// All commands and options that `run_cli` knows, for manuals and shells.
command_entry describe_program();

} // namespace peapod
