#include "hosts/common/daemon.hpp"

#include "hosts/common/end_signals.hpp"
#include "hosts/common/exit_code.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/common/logging.hpp"
#include "hosts/common/node.hpp"
#include "hosts/common/pac_probe.hpp"
#include "hosts/common/proxy_handover.hpp"
#include "hosts/common/state_file.hpp"
#include "hosts/common/system_proxy.hpp"
#include "hosts/net/descriptors.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How long requests may go on after a signal.
constexpr auto drain_time = 1500ms;

/// What a crash may forget of what was shared.
constexpr auto save_interval = 30s;

void write_log(log_level level, const std::string& line) {
  switch (level) {
    case log_level::trace:
      return log::trace(line);
    case log_level::debug:
      return log::debug(line);
    case log_level::info:
      return log::info(line);
    case log_level::warn:
      return log::warn(line);
    case log_level::error:
      return log::error(line);
  }
}

int fail(const error& why) {
  std::cerr << "peapod: " << (why.detail.empty() ? to_string(why) : why.detail)
            << std::endl;
  return exit_failure;
}

/// Nothing can end a handler that does not return, so nothing is waited for.
[[noreturn]] void end_at_once(const std::string& reason) {
  log::error("giving up: " + reason);
  log::flush();
  std::_Exit(exit_gave_up);
}

void greet(const settings& x, const node& device) {
  log::info("device " + to_string(device.id()) + " (" + x.pod.name
            + ") serves the proxy at http://" + to_string(device.proxy())
            + " and peers at " + to_string(device.transport()));
  if (x.trust.mode == trust_mode::open)
    log::warn("[trust] mode=\"open\": anyone on the local network can join "
              "this pod; use it on trusted networks only");
  if (x.transport.legacy)
    log::warn("[transport] legacy=true: what is exchanged with devices that "
              "speak protocol 1 only can be read by others");
}

/// Half a secret may be among them.
void remove_orphans_of(const settings& x) {
  remove_orphans(x.pod.state_dir);
  auto& secret = x.trust.secret_file;
  if (!secret.empty())
    remove_orphans(secret.parent_path(), secret.filename().native());
}

/// Most systems give a process 1024 descriptors and let it have more. Errors:
/// `limit_reached` when they do not even do for the daemon itself.
result<void> raise_limits() {
  auto x = net::raise_descriptor_limit();
  log::debug("at most " + std::to_string(x.now) + " descriptors, "
             + std::to_string(x.before) + " before");
  // About thirty are its own or kept free, and each client needs two.
  constexpr size_t few = 64;
  constexpr size_t fewest = 24;
  if (x.now < fewest)
    return make_error(errc::limit_reached,
                      "this process may open " + std::to_string(x.now)
                          + " files, which do not do for itself; allow it some "
                            "hundred (ulimit -n)");
  if (x.now < few)
    log::warn("only " + std::to_string(x.now)
              + " descriptors: nearly all clients will be turned away; allow "
                "this process some hundred (ulimit -n)");
  return {};
}

/// Nothing that the daemon does needs root (docs/CONFIG.md, Running it as a
/// service).
void warn_of_root() {
  if (::geteuid() == 0)
    log::warn("the daemon runs as root, which it does not need: start it as "
              "yourself, or as the service that config/peapod.service is");
}

/// Says how it went: who relies on it has to know.
void confine(const settings& x, const daemon_hooks& hooks, node& device) {
  if (!x.process.seccomp)
    return log::warn("[process] seccomp=false: the daemon may make any system "
                     "call");
  if (!hooks.confine)
    return log::info("this build does not filter system calls");
  if (auto done = hooks.confine(); !done)
    return log::warn(done.error().detail + "; going on without");
  device.is_confined();
  log::info("confined to the system calls that the daemon needs");
}

/// On the main thread, which may wait for the disk.
void save_state_regularly(boost::asio::steady_timer& timer, node& device) {
  timer.expires_after(save_interval);
  timer.async_wait([&](boost::system::error_code ec) {
    if (ec)
      return;
    device.save_state();
    save_state_regularly(timer, device);
  });
}

/// This daemon does not come up, so nobody else puts back what an earlier one
/// has left behind. That one may be why: it lives, and may be too busy to
/// answer.
int fail_to_start(const error& why, system_proxy::finder find,
                  const settings& x) {
  system_proxy system{std::move(find), x.pod.state_dir, takes_connections};
  tell_reports(system.recover(""), log::write);
  return fail(why);
}

/// What comes before anything is opened. Gives this device's key.
result<identity> prepare(const settings& x, const std::string& version) {
  if (auto started = log::start(x.log.level, x.log.file); !started)
    return started.error();
  remove_orphans_of(x);
  auto self = load_identity(x.pod.state_dir);
  if (!self)
    return self;
  log::info("peapod " + version);
  warn_of_root();
  if (auto raised = raise_limits(); !raised)
    return raised.error();
  return self;
}

} // namespace

int run_daemon(const settings& x, const std::string& version,
               const daemon_hooks& hooks) {
  auto find = [&] {
    return hooks.find_desktops(process_environment::of_process());
  };
  auto self = prepare(x, version);
  if (!self)
    return fail_to_start(self.error(), find, x);
  boost::asio::io_context main;
  boost::asio::signal_set signals{main};
  add_end_signals(signals);
#ifdef SIGPIPE
  std::signal(SIGPIPE, SIG_IGN);
#endif
  auto device = node::open(x, std::move(*self), write_log, version);
  if (!device)
    return fail_to_start(device.error(), find, x);
  int code = exit_ok;
  auto give_up = [&](std::string reason) {
    boost::asio::post(main, [&, reason = std::move(reason)] {
      log::error("giving up: " + reason);
      code = exit_gave_up;
      main.stop();
    });
  };
  confine(x, hooks, **device);
  (**device).start(give_up, end_at_once);
  greet(x, **device);
  auto script = pac_url((**device).proxy());
  system_proxy system{find, x.pod.state_dir, serves_script};
  proxy_handover system_on{main, system, script,
                           x.wan.upstream.proxy.has_value(), log::write};
  if (x.proxy.system)
    system_on.begin();
  else
    tell_reports(system.recover(script), log::write);
  signals.async_wait([&](boost::system::error_code ec, int) {
    if (!ec)
      main.stop();
  });
  std::shared_ptr<void> watched;
  if (hooks.watch_conditions)
    watched = hooks.watch_conditions(
        main.get_executor(),
        [&](const device_conditions& now) { (**device).observe(now); });
  boost::asio::steady_timer timer{main};
  save_state_regularly(timer, **device);
  main.run();
  watched.reset();
  log::info("leaving the pod");
  // While the proxy still answers: nobody is sent to a dead one.
  tell_reports(system.give_back(script), log::write);
  (**device).stop(code == exit_ok ? duration{drain_time} : duration::zero());
  log::flush();
  return code;
}

} // namespace peapod
