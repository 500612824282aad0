#pragma once

#include "core/error.hpp"
#include "core/types.hpp"
#include "hosts/common/control_text.hpp"
#include "hosts/common/styled_text.hpp"
#include "hosts/net/control_server.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace peapod {

/// Where a command writes.
struct command_output {
  std::ostream& out;
  std::ostream& err;
  print_style style; ///< of `out`
};

/// The commands that ask a running daemon once, or listen to it: `status`,
/// `actors`, `kill` and so on.
class control_commands {
public:
  /// Declares the commands and their options. `app` and this have to live
  /// until it was parsed and run.
  explicit control_commands(CLI::App& app);

  control_commands(const control_commands&) = delete;
  control_commands& operator=(const control_commands&) = delete;

  /// Whether one of them was given.
  bool is_given() const;

  /// Runs the one that was given. `socket` is the daemon's unless `--socket`
  /// names another one. Returns the exit code.
  int run(const std::filesystem::path& socket, command_output to);

private:
  using action = int (control_commands::*)();

  CLI::App* add(CLI::App& app, std::string name, std::string description,
                action what);
  void declare_readers(CLI::App& app);
  void declare_streams(CLI::App& app);
  void declare_changes(CLI::App& app);
  void declare_fault(CLI::App& app);
  void declare_trust(CLI::App& app);

  int print_status();
  int print_actors();
  int print_actor();
  int print_tree();
  int print_crashes();
  int print_peers();
  int print_transfers();
  int print_metrics();
  int follow_events();
  int follow_trace();
  int kill();
  int restart();
  int disturb();
  int trust();
  int untrust();

  template <class Read, class Show>
  int print(std::string target, Read read, Show show);
  int change_trust(bool trusted);
  std::optional<control::peer> find_waiting();
  bool compares(const control::peer& x);
  int follow(const std::string& target);
  result<std::string> ask(net::control_request request);
  std::string actor_target(std::string_view what = "") const;
  std::string fault_body() const;
  int show(const lines& content);
  int show_as_is(const std::string& body);
  int fail(const error& x);

  std::map<CLI::App*, action> actions_;
  command_output* to_ = nullptr;
  std::filesystem::path path_;
  std::string socket_;
  bool json_ = false;
  uint64_t id_ = 0;
  std::string sort_ = "id";
  std::string filter_;
  CLI::Option* since_given_ = nullptr;
  uint64_t since_ = 0;
  uint64_t count_ = 0;
  std::string who_;
  std::vector<std::string> code_;
  std::string fault_;
  uint64_t every_ = 1;
  uint64_t times_ = 1;
  std::string delay_ = "100ms";
};

} // namespace peapod
