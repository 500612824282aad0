#include "hosts/common/cli.hpp"

#include "hosts/common/completion_text.hpp"
#include "hosts/common/control_commands.hpp"
#include "hosts/common/doctor_command.hpp"
#include "hosts/common/get_commands.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/common/proxy_commands.hpp"
#include "hosts/common/secret_commands.hpp"
#include "hosts/common/size_text.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <vector>

namespace peapod {

namespace {

/// Arguments by what they are for.
struct split_arguments {
  std::vector<std::string> overrides; ///< `section.key=value`
  std::vector<std::string> others;
};

/// An override is `--` and a name with a dot in it; no other option has one.
split_arguments split(int argc, const char* const* argv) {
  split_arguments out;
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    auto name = std::string_view{arg}.substr(0, arg.find('='));
    if (name.starts_with("--") && name.find('.') != std::string_view::npos)
      out.overrides.push_back(arg.substr(2));
    else
      out.others.push_back(std::move(arg));
  }
  return out;
}

/// One run of the program.
class command_line {
public:
  command_line(const cli_hooks& hooks, const process_environment& env,
               std::ostream& out, std::ostream& err)
    : hooks_(hooks), env_(env), out_(out), err_(err) {
    declare();
  }

  int run(split_arguments arguments) {
    overrides_ = std::move(arguments.overrides);
    // CLI11 takes them last first.
    std::reverse(arguments.others.begin(), arguments.others.end());
    try {
      app_.parse(arguments.others);
    } catch (const CLI::ParseError& x) {
      return app_.exit(x, out_, err_) == 0 ? exit_ok : exit_usage;
    }
    return dispatch();
  }

  command_entry table() const {
    return describe(app_);
  }

private:
  // -- declaring --------------------------------------------------------------

  void declare() {
    app_.name("peapod");
    app_.set_version_flag("--version", "peapod " + hooks_.version);
    app_.footer("Every key of the file can be overridden on the command line, "
                "as in --proxy.listen=127.0.0.1:8080.");
    app_.require_subcommand(0, 1);
    app_.add_option("--actor-config", file_,
                    "Run the daemon in the foreground with this pod.ini")
        ->type_name("FILE");
    check_ = add("check-config", "Check a configuration file and say what is "
                                 "wrong with it");
    check_->add_option("FILE", checked_file_, "The file")
        ->type_name("FILE")
        ->required();
    id_ = add("id", "Print this device's id; makes its key if there is none");
    control_.emplace(app_);
    proxy_.emplace(app_);
    secret_.emplace(app_);
    doctor_.emplace(app_);
    files_.emplace(app_);
    declare_console();
    declare_demo();
    declare_completion();
  }

  void declare_console() {
    console_ = add("console", "Watch the pod and its actors, full screen");
    console_
        ->add_option("--socket", console_options_.socket,
                     "Control socket of the daemon")
        ->type_name("PATH");
    auto* once = console_->add_flag("--once", console_options_.once,
                                    "Print the overview once and end");
    console_
        ->add_flag("--json", console_options_.json,
                   "With --once: print the daemon's answers as one object")
        ->needs(once);
    console_->add_flag("--pod", console_options_.pod,
                       "Show the actors of all devices of the pod");
  }

  void declare_demo() {
    demo_ = add("demo", "Run a pod on this machine and download a file with "
                        "it");
    demo_->add_option("--devices", options_.devices, "Devices in the pod")
        ->check(CLI::Range(2, 8))
        ->capture_default_str();
    demo_->add_option("--rate", rate_, "Internet connection of each device")
        ->check(parsed_by(parse_rate, "a rate such as 40Mbit/s"))
        ->capture_default_str();
    demo_->add_option("--size", size_, "Size of the file")
        ->check(parsed_by(parse_size, "a size such as 100MiB"))
        ->capture_default_str();
    demo_->add_flag("--keep", options_.keep_running,
                    "Keep the pod running until Ctrl-C");
  }

  void declare_completion() {
    completion_ = add("completion", "Print a script that completes commands "
                                    "and options in a shell");
    completion_->add_option("SHELL", shell_, "Whose language it is in")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  /// A command that also takes the options that stand before commands.
  CLI::App* add(std::string name, std::string description) {
    return app_.add_subcommand(std::move(name), std::move(description))
        ->fallthrough();
  }

  using text_parser = std::optional<uint64_t> (*)(std::string_view);

  static CLI::Validator parsed_by(text_parser parse, std::string expected) {
    auto check = [parse, expected](const std::string& text) {
      auto number = parse(text);
      return number && *number > 0 ? std::string{} : "expected " + expected;
    };
    return CLI::Validator{check, ""};
  }

  // -- running ----------------------------------------------------------------

  int dispatch() {
    if (*check_)
      return check_config();
    if (*id_)
      return print_id();
    if (control_->is_given())
      return ask_daemon();
    if (proxy_->is_given())
      return set_proxy();
    if (secret_->is_given())
      return keep_secret();
    if (doctor_->is_given())
      return see_doctor();
    if (*completion_)
      return print_completion();
    if (files_->is_given())
      return move_files();
    if (*console_)
      return console();
    if (*demo_)
      return demo();
    if (!file_.empty())
      return daemon();
    err_ << "peapod: nothing to do: start the daemon with peapod "
            "--actor-config pod.ini, try peapod demo, or see peapod --help\n";
    return exit_usage;
  }

  int daemon() {
    auto loaded = load_settings(file_, overrides_, env_);
    return loaded ? hooks_.run_daemon(*loaded) : fail(loaded.error());
  }

  int check_config() {
    auto loaded = load_settings(checked_file_, overrides_, env_);
    if (!loaded)
      return fail(loaded.error());
    out_ << checked_file_ << ": ok\n";
    return exit_ok;
  }

  int print_id() {
    auto loaded = load_settings(file_, overrides_, env_);
    if (!loaded)
      return fail(loaded.error());
    auto self = load_identity(loaded->pod.state_dir);
    if (!self)
      return fail_at_run_time(self.error());
    out_ << to_string(self->device()) << '\n';
    return exit_ok;
  }

  int ask_daemon() {
    auto loaded = load_settings(file_, overrides_, env_);
    if (!loaded)
      return fail(loaded.error());
    return control_->run(loaded->console.socket, {out_, err_, style()});
  }

  int set_proxy() {
    auto loaded = load_settings(file_, overrides_, env_);
    if (!loaded)
      return fail(loaded.error());
    return proxy_->run(*loaded, env_, hooks_.find_desktops,
                       {out_, err_, print_style{}});
  }

  int keep_secret() {
    auto loaded = load_settings(file_, overrides_, env_);
    if (!loaded)
      return fail(loaded.error());
    bool on_terminal = &out_ == &std::cout && ::isatty(STDOUT_FILENO) != 0;
    return secret_->run(*loaded, {out_, err_, style()}, on_terminal);
  }

  /// Also with a wrong file: that is a finding.
  int see_doctor() {
    doctor_request what;
    what.version = hooks_.version;
    what.config_file = file_;
    auto loaded = load_settings(file_, overrides_, env_);
    if (!loaded) {
      what.mistakes = loaded.error().detail;
      loaded = load_settings("", {}, env_);
    }
    if (!loaded)
      return fail(loaded.error());
    what.options = std::move(*loaded);
    return doctor_->run(std::move(what), hooks_.probe_system,
                        {out_, err_, style()});
  }

  int print_completion() {
    auto shell = parse_completion_shell(shell_);
    out_ << completion_text(shell.value_or(completion_shell::bash),
                            describe(app_), setting_names());
    return exit_ok;
  }

  int move_files() {
    auto loaded = load_settings(file_, overrides_, env_);
    if (!loaded)
      return fail(loaded.error());
    return files_->run(loaded->console.socket, loaded->pod.state_dir,
                       hooks_.run_get, hooks_.run_put);
  }

  int console() {
    auto loaded = load_settings(file_, overrides_, env_);
    if (!loaded)
      return fail(loaded.error());
    if (console_options_.socket.empty())
      console_options_.socket = loaded->console.socket;
    return hooks_.run_console(console_options_);
  }

  int demo() {
    if (!overrides_.empty() || !file_.empty()) {
      err_ << "peapod: the demo makes its own configuration; see peapod demo "
              "--help\n";
      return exit_usage;
    }
    options_.line_rate = parse_rate(rate_).value_or(options_.line_rate);
    options_.size = parse_size(size_).value_or(options_.size);
    return hooks_.run_demo(options_);
  }

  print_style style() const {
    return &out_ == &std::cout ? style_of_stdout() : print_style{};
  }

  /// Lines of a configuration stand for themselves: `FILE:LINE: ...`.
  int fail(const error& x) {
    err_ << x.detail << '\n';
    return exit_usage;
  }

  int fail_at_run_time(const error& x) {
    err_ << "peapod: " << (x.detail.empty() ? to_string(x) : x.detail) << '\n';
    return exit_failure;
  }

  const cli_hooks& hooks_;
  const process_environment& env_;
  std::ostream& out_;
  std::ostream& err_;
  CLI::App app_{"Nearby devices share the work of every download"};
  CLI::App* check_ = nullptr;
  CLI::App* id_ = nullptr;
  CLI::App* console_ = nullptr;
  CLI::App* demo_ = nullptr;
  CLI::App* completion_ = nullptr;
  std::vector<std::string> overrides_;
  std::string file_;
  std::string checked_file_;
  std::string rate_ = "40Mbit/s";
  std::string size_ = "100MiB";
  demo_options options_;
  console_options console_options_;
  std::optional<control_commands> control_;
  std::optional<proxy_commands> proxy_;
  std::optional<secret_commands> secret_;
  std::optional<doctor_command> doctor_;
  std::string shell_;
  std::optional<get_commands> files_;
};

} // namespace

int run_cli(int argc, const char* const* argv, const cli_hooks& hooks) {
  return run_cli(argc, argv, hooks, process_environment::of_process(),
                 std::cout, std::cerr);
}

int run_cli(int argc, const char* const* argv, const cli_hooks& hooks,
            const process_environment& env, std::ostream& out,
            std::ostream& err) {
  command_line line{hooks, env, out, err};
  auto code = line.run(split(argc, argv));
  out.flush();
  return code;
}

command_entry describe_program() {
  cli_hooks hooks;
  process_environment env;
  return command_line{hooks, env, std::cout, std::cerr}.table();
}

} // namespace peapod
