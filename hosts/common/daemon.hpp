#pragma once

#include "core/sharing_policy.hpp"
#include "hosts/common/config.hpp"
#include "hosts/common/system_proxy.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>

namespace peapod {

/// What the daemon needs of its system.
struct daemon_hooks {
  /// Finds whose proxy `[proxy] system` is about, and whose an earlier run has
  /// left behind.
  std::function<session_desktops(const process_environment&)> find_desktops;

  /// Watches the line and the power on an executor of one thread, for as long
  /// as what it returns lives, and tells how they are whenever that changes.
  /// May be null: nobody knows.
  std::function<std::shared_ptr<void>(
      const boost::asio::any_io_executor& executor,
      std::function<void(const device_conditions&)> tell)>
      watch_conditions;

  /// Gives up what the daemon does not need of its system, for all threads and
  /// for good; called once all is open, before anything that others send is
  /// looked at. May be null: this system has no such thing.
  std::function<result<void>()> confine;
};

/// Runs a device in the foreground until SIGINT, SIGTERM or, unless that is
/// ignored, SIGHUP. Returns the exit code: 0 after a signal; 1 when it could
/// not start; 70 (EX_SOFTWARE) when its supervision tree gave up, so that a
/// service manager starts it again.
int run_daemon(const settings& x, const std::string& version,
               const daemon_hooks& hooks);

} // namespace peapod
