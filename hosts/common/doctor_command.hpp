#pragma once

#include "hosts/common/control_commands.hpp"
#include "hosts/common/doctor_probe.hpp"

#include <CLI/CLI.hpp>

namespace peapod {

/// `peapod doctor`: says why there is no pod, or no speed-up.
class doctor_command {
public:
  /// Declares the command and its options. `app` and this have to live until
  /// it was parsed and run.
  explicit doctor_command(CLI::App& app);

  doctor_command(const doctor_command&) = delete;
  doctor_command& operator=(const doctor_command&) = delete;

  bool is_given() const;

  /// What the command line says besides the configuration, which `in` has.
  int run(doctor_request in, const system_probe& system, command_output to);

private:
  CLI::App* doctor_ = nullptr;
  std::string socket_;
  std::string wait_ = "5s";
  bool json_ = false;
};

} // namespace peapod
