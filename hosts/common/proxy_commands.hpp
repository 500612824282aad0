#pragma once

#include "hosts/common/config.hpp"
#include "hosts/common/control_commands.hpp"
#include "hosts/common/system_proxy.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

namespace peapod {

/// Finds the desktops of a session.
using desktop_finder =
    std::function<session_desktops(const process_environment&)>;

/// `peapod proxy on`, `off`, `status` and `env`.
class proxy_commands {
public:
  /// Declares them. `app` and this have to live until it was parsed and run.
  explicit proxy_commands(CLI::App& app);

  proxy_commands(const proxy_commands&) = delete;
  proxy_commands& operator=(const proxy_commands&) = delete;

  /// Whether one of them was given.
  bool is_given() const;

  /// Runs the one that was given. Returns the exit code.
  int run(const settings& x, const process_environment& env,
          const desktop_finder& find, command_output to);

private:
  struct context;

  int switch_on(context& in);
  int switch_off(context& in);
  int print_status(context& in);
  int print_environment(context& in);
  /// What to know of desktops that were handed to the daemon at `proxy`.
  void print_hints(context& in, const std::vector<desktop_report>& done,
                   const endpoint& proxy);
  int print_reports(context& in,
                    const result<std::vector<desktop_report>>& outcome,
                    std::string_view nothing);

  CLI::App* proxy_ = nullptr;
  CLI::App* on_ = nullptr;
  CLI::App* off_ = nullptr;
  CLI::App* status_ = nullptr;
  CLI::App* env_ = nullptr;
  bool json_ = false;
  bool unset_ = false;
  std::string shell_;
  std::string socket_;
};

/// The proxy of the daemon that these settings are of: where they say, or,
/// when that is any port, where the daemon says. Error: `connection_refused`
/// when no daemon answers there.
result<endpoint> find_proxy(const settings& x);

} // namespace peapod
