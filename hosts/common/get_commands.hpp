#pragma once

#include "hosts/common/get_options.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace peapod {

/// The commands that move files over the pod: `get` and `put`.
class get_commands {
public:
  using run_get = std::function<int(const get_options&)>;
  using run_put = std::function<int(const put_options&)>;

  /// Declares the commands and their options. `app` and this have to live
  /// until it was parsed and run.
  explicit get_commands(CLI::App& app);

  get_commands(const get_commands&) = delete;
  get_commands& operator=(const get_commands&) = delete;

  /// Whether one of them was given.
  bool is_given() const;

  /// Runs the one that was given. `socket` is the daemon's unless `--socket`
  /// names another one. Returns the exit code.
  int run(const std::filesystem::path& socket,
          const std::filesystem::path& state_dir, const run_get& get,
          const run_put& put);

private:
  void declare_get(CLI::App& app);
  void declare_put(CLI::App& app);
  void declare_line(CLI::App& command, line_options& to);
  void finish(const std::filesystem::path& socket, line_options& to) const;

  CLI::App* get_ = nullptr;
  CLI::App* put_ = nullptr;
  get_options get_options_;
  put_options put_options_;
  std::string progress_ = "auto";
  std::string part_size_;
  std::string socket_;
  bool quiet_ = false;
  bool remote_name_ = false;
};

} // namespace peapod
