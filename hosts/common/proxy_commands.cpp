#include "hosts/common/proxy_commands.hpp"

#include "hosts/common/cli.hpp"
#include "hosts/common/control_client.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/common/json_members.hpp"
#include "hosts/common/pac_probe.hpp"
#include "hosts/common/proxy_environment.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include <unistd.h>

namespace peapod {

namespace {

namespace json = boost::json;

/// What the daemon behind the control socket says of itself.
result<json::object> ask_for_status(const settings& x) {
  auto answer = ask_daemon(x.console.socket, {"GET", "/v1/status", ""});
  if (!answer)
    return answer.error();
  return control::parse_object(answer->body).value_or(json::object{});
}

/// Where it says that its proxy is.
result<endpoint> ask_for_proxy(const settings& x) {
  auto status = ask_for_status(x);
  if (!status)
    return status.error();
  auto found = parse_host_port(
      control::text_of(control::object_of(*status, "proxy"), "listen"));
  if (!found)
    return make_error(errc::bad_http, "the daemon does not say where its proxy "
                                      "is");
  return endpoint{found->host, found->port};
}

/// Whether the daemon whose proxy is at `at` keeps its state in the same
/// folder, and so finds there what to put back. Its key tells; without a
/// control socket nobody can be asked, and it is taken for granted. Errors: why
/// it could not be found out.
result<bool> shares_state(const settings& x, const endpoint& at) {
  if (x.console.socket.empty())
    return true;
  // Who keeps its state there has made its key at its first start.
  std::error_code ec;
  if (!std::filesystem::exists(x.pod.state_dir / "identity.key", ec))
    return false;
  auto status = ask_for_status(x);
  if (!status && status.error().code == errc::connection_refused)
    return make_error(errc::not_found,
                      "no daemon answers at " + x.console.socket.string());
  if (!status)
    return status.error();
  auto self = load_identity(x.pod.state_dir);
  if (!self)
    return self.error();
  auto listen = parse_host_port(
      control::text_of(control::object_of(*status, "proxy"), "listen"));
  auto who = "the daemon behind " + x.console.socket.string();
  if (!listen)
    return make_error(errc::bad_http, who + " does not say who it is");
  bool serves = listen->port == at.port;
  bool is_own =
      to_string(self->device())
      == control::text_of(control::object_of(*status, "device"), "id");
  if (serves || is_own)
    return serves && is_own;
  return make_error(errc::not_found, who + " is another one");
}

/// What users may have to do when the daemon at `proxy` ends; else empty.
std::string keeper_hint(const settings& x, const endpoint& proxy) {
  auto shared = shares_state(x, proxy);
  auto folder = x.pod.state_dir.string();
  if (!shared)
    return "whether this daemon keeps its state in " + folder
           + " could not be found out (" + shared.error().detail
           + "): if it does not, it will put nothing back when it ends; run "
             "peapod proxy off then\n";
  return *shared ? ""
                 : "no daemon that keeps its state in " + folder
                       + " serves this proxy, so this daemon will not put it "
                         "back when it ends: run peapod proxy off then\n";
}

/// The ones named in help; others that are like them are taken, too.
std::string check_shell(const std::string& name) {
  return parse_shell(name) ? "" : "expected sh, bash, zsh or fish";
}

/// The shell that is named, or else that of `$SHELL`. Error: `not_found` for
/// one whose commands are not known.
result<shell_kind> find_shell(std::string name,
                              const process_environment& env) {
  if (name.empty() && env.variable)
    name = env.variable("SHELL").value_or("");
  if (name.empty())
    return shell_kind::posix;
  if (auto known = parse_shell(name))
    return *known;
  return make_error(errc::not_found,
                    "$SHELL is " + name
                        + ", whose commands are not known: say --shell sh, "
                          "bash, zsh or fish");
}

json::object state_json(const desktop_state& x) {
  json::object out{{"desktop", x.desktop}, {"on", x.on}};
  if (!x.error.empty()) {
    out["error"] = x.error;
    return out;
  }
  out["mode"] = x.now.mode;
  out["script"] = x.now.script;
  out["answers"] = x.answers;
  out["former_saved"] = x.saved;
  return out;
}

std::string state_text(const desktop_state& x) {
  if (!x.error.empty())
    return "cannot be read: " + x.error;
  if (x.on && x.answers)
    return "on: " + x.now.script
           + (x.saved ? "" : " (what was set before is not known)");
  if (x.on)
    return "left behind: " + x.now.script
           + " is set, but no daemon answers there, so that programs go "
             "direct; peapod proxy off puts the former setting back";
  auto mode = x.now.mode.empty() ? "not set" : x.now.mode;
  auto off = "off (its own setting: " + mode + ")";
  if (x.restoring)
    return off
           + "; putting the former setting back was cut off: peapod proxy off "
             "goes on with it";
  return off + (x.saved ? "; changed since PeaPod set it" : "");
}

} // namespace

/// What one run of a command works with.
struct proxy_commands::context {
  const settings& options;
  const process_environment& env;
  const desktop_finder& find;
  command_output to;

  system_proxy open() const {
    auto here = [this] {
      return find ? find(env) : session_desktops{{}, "not on this system"};
    };
    return {here, options.pod.state_dir, serves_script};
  }

  int fail(const error& x) const {
    to.err << "peapod: " << (x.detail.empty() ? to_string(x) : x.detail)
           << '\n';
    return exit_failure;
  }
};

// -- declaring ----------------------------------------------------------------

proxy_commands::proxy_commands(CLI::App& app) {
  proxy_ = app.add_subcommand("proxy", "Make this desktop or shell use the "
                                       "proxy of the running daemon");
  proxy_->fallthrough()->require_subcommand(1);
  on_ = proxy_->add_subcommand("on", "Set the proxy of the desktop (GNOME, "
                                     "KDE), until off or the daemon's end");
  off_ = proxy_->add_subcommand("off", "Put the desktop's former proxy back; "
                                       "needs no daemon");
  status_ = proxy_->add_subcommand("status", "Say how the desktop's proxy "
                                             "stands");
  status_->add_flag("--json", json_, "Print it as one JSON object");
  env_ = proxy_->add_subcommand("env", "Print commands that set http_proxy and "
                                       "the like: eval \"$(peapod proxy "
                                       "env)\"");
  env_->add_flag("--unset", unset_, "Print commands that take them back");
  env_->add_option("--shell", shell_, "sh, bash, zsh or fish; else $SHELL")
      ->type_name("NAME")
      ->check(CLI::Validator{check_shell, "{sh,bash,zsh,fish}"});
  for (auto* each : {on_, status_, env_})
    each->add_option("--socket", socket_, "Control socket of the daemon")
        ->type_name("PATH");
  for (auto* each : {on_, off_, status_, env_})
    each->fallthrough();
}

bool proxy_commands::is_given() const {
  return proxy_->parsed();
}

// -- running ------------------------------------------------------------------

int proxy_commands::run(const settings& x, const process_environment& env,
                        const desktop_finder& find, command_output to) {
  auto options = x;
  if (!socket_.empty()) {
    options.console.socket = socket_;
    options.proxy.listen.port = 0; // for that daemon to say
  }
  context in{options, env, find, to};
  if (on_->parsed())
    return switch_on(in);
  if (off_->parsed())
    return switch_off(in);
  if (status_->parsed())
    return print_status(in);
  return print_environment(in);
}

int proxy_commands::switch_on(context& in) {
  auto proxy = find_proxy(in.options);
  if (!proxy)
    return in.fail(proxy.error());
  auto outcome = in.open().switch_on(pac_url(*proxy));
  auto code = print_reports(in, outcome, "");
  if (outcome)
    print_hints(in, *outcome, *proxy);
  return code;
}

void proxy_commands::print_hints(context& in,
                                 const std::vector<desktop_report>& done,
                                 const endpoint& proxy) {
  for (auto& x : done)
    if (auto hint = upstream_hint(x);
        !hint.empty() && !in.options.wan.upstream.proxy)
      in.to.err << hint << '\n';
  if (!std::ranges::all_of(done, &desktop_report::failed))
    in.to.err << keeper_hint(in.options, proxy);
}

int proxy_commands::switch_off(context& in) {
  auto system = in.open();
  auto outcome = system.switch_off();
  return print_reports(in, outcome,
                       system.why_none().empty()
                           ? "the proxy is not set by PeaPod"
                           : "nothing to put back: " + system.why_none());
}

int proxy_commands::print_reports(
    context& in, const result<std::vector<desktop_report>>& outcome,
    std::string_view nothing) {
  if (!outcome)
    return in.fail(outcome.error());
  if (outcome->empty())
    in.to.out << nothing << '\n';
  int code = exit_ok;
  for (auto& x : *outcome) {
    (x.failed ? in.to.err : in.to.out) << x.desktop << ": " << x.text << '\n';
    code = x.failed ? exit_failure : code;
  }
  return code;
}

int proxy_commands::print_status(context& in) {
  auto system = in.open();
  auto proxy = find_proxy(in.options);
  auto states = system.state();
  if (json_) {
    json::array desktops;
    for (auto& x : states)
      desktops.push_back(state_json(x));
    json::object all{{"daemon", json::value{}},
                     {"desktops", std::move(desktops)}};
    if (proxy)
      all["daemon"] = pac_url(*proxy);
    in.to.out << json::serialize(all) << '\n';
    return exit_ok;
  }
  in.to.out << "daemon: "
            << (proxy ? pac_url(*proxy) : "none: " + proxy.error().detail)
            << '\n';
  for (auto& x : states)
    in.to.out << x.desktop << ": " << state_text(x) << '\n';
  if (states.empty())
    in.to.out << system.why_none() << '\n';
  return exit_ok;
}

int proxy_commands::print_environment(context& in) {
  auto shell = find_shell(shell_, in.env);
  if (!shell)
    return in.fail(shell.error());
  if (unset_) {
    in.to.out << proxy_unsets(*shell);
    return exit_ok;
  }
  // What would send every program of the shell nowhere is not printed.
  auto proxy = find_proxy(in.options);
  if (!proxy)
    return in.fail(proxy.error());
  in.to.out << proxy_exports(*shell, "http://" + to_string(reachable(*proxy)));
  if (&in.to.out == &std::cout && ::isatty(STDOUT_FILENO) != 0)
    in.to.err << "# to have them in this shell: eval \"$(peapod proxy env)\"\n";
  return exit_ok;
}

result<endpoint> find_proxy(const settings& x) {
  auto at = x.proxy.listen;
  if (at.port == 0) {
    auto told = ask_for_proxy(x);
    if (!told)
      return told;
    at = *told;
  }
  if (serves_script(pac_url(at)))
    return at;
  return make_error(errc::connection_refused,
                    "no PeaPod answers at " + to_string(reachable(at))
                        + ": start the daemon, or name its configuration with "
                          "--actor-config FILE");
}

} // namespace peapod
