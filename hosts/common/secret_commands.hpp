#pragma once

#include "core/pod_secret.hpp"
#include "hosts/common/config.hpp"
#include "hosts/common/control_commands.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace peapod {

/// `peapod secret new`, `show` and `set`: the pod's secret, which all devices
/// of a pod have. They need no daemon; one that runs reads it at its next
/// start.
class secret_commands {
public:
  /// Declares them. `app` and this have to live until it was parsed and run.
  explicit secret_commands(CLI::App& app);

  secret_commands(const secret_commands&) = delete;
  secret_commands& operator=(const secret_commands&) = delete;

  /// Whether one of them was given.
  bool is_given() const;

  /// Runs the one that was given. `on_terminal`: `to.out` is one. Returns the
  /// exit code.
  int run(const settings& x, command_output to, bool on_terminal);

private:
  struct context;

  int make_new(context& in);
  int show(context& in);
  int set(context& in);
  int keep(context& in, const pod_secret& x);

  CLI::App* secret_ = nullptr;
  CLI::App* new_ = nullptr;
  CLI::App* show_ = nullptr;
  CLI::App* set_ = nullptr;
  bool force_ = false;
  bool qr_ = false;
  bool passphrase_ = false;
  std::string pod_;
};

} // namespace peapod
