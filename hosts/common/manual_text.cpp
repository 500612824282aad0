#include "hosts/common/manual_text.hpp"

#include "hosts/common/completion_walk.hpp"
#include "hosts/common/exit_code.hpp"
#include "hosts/common/roff.hpp"

namespace peapod {

namespace {

using completion::all_places;
using completion::arguments_of;
using completion::options_of;
using completion::place;

/// A sentence ends with a full stop.
std::string sentence(const std::string& text) {
  bool ends = text.empty() || text.ends_with('.');
  return roff::text(text) + (ends ? "" : ".");
}

std::string choices_text(const option_entry& x) {
  std::string out;
  for (auto& choice : x.choices)
    out += (out.empty() ? " One of " : ", ") + roff::bold(choice);
  return out + (out.empty() ? "" : ".");
}

std::string entry(const option_entry& x) {
  std::string tag;
  for (auto& name : x.names)
    tag += (tag.empty() ? "" : ", ") + roff::bold(name);
  if (!x.value.empty())
    tag += (tag.empty() ? "" : " ") + roff::italic(x.value);
  auto body = sentence(x.description) + choices_text(x);
  if (!x.initially.empty())
    body += " Default: " + roff::bold(x.initially) + ".";
  return roff::tagged(tag, body);
}

/// What a command is called with, as in `proxy env [options]`.
std::string call_of(const place& at) {
  std::string words;
  for (auto c : at.path.substr(1))
    words += c == '/' ? ' ' : c;
  auto out = roff::bold(words);
  bool has_options = false;
  for (auto* x : options_of(at.command))
    has_options = has_options || x->names.back() != "--help";
  if (has_options)
    out += " [" + roff::italic("options") + "]";
  for (auto* x : arguments_of(at.command)) {
    auto name = roff::italic(x->value) + (x->many ? " ..." : "");
    out += x->required ? " " + name : " [" + name + "]";
  }
  return out;
}

std::string command_text(const place& at) {
  auto out =
      roff::subsection(call_of(at)) + sentence(at.command.description) + "\n";
  for (auto& x : at.command.options)
    if (x.is_argument() || x.names.back() != "--help")
      out += entry(x);
  return out;
}

std::string exit_codes() {
  auto out =
      roff::section("EXIT STATUS") + "Every command ends with one of these.\n";
  for (auto& x : exit_meanings())
    out += roff::tagged(roff::bold(std::to_string(x.code)), roff::text(x.text));
  return out;
}

std::string variables() {
  struct variable {
    const char* name;
    const char* text;
  };
  constexpr variable all[]{
      {"NO_COLOR", "Set to anything, nothing is coloured "
                   "(https://no\\-color.org)."},
      {"TERM", "Nothing is coloured on a terminal called dumb."},
      {"SHELL", "Whose commands proxy env prints."},
      {"STATE_DIRECTORY, XDG_STATE_HOME, HOME",
       "Where the device's key is kept unless [pod] state\\-dir says so."},
      {"RUNTIME_DIRECTORY, XDG_RUNTIME_DIR",
       "Where the control socket is unless [console] socket says so."},
      {"DBUS_SYSTEM_BUS_ADDRESS",
       "The bus on which NetworkManager and UPower are asked."},
  };
  auto out = roff::section("ENVIRONMENT");
  for (auto& x : all)
    out += roff::tagged(roff::bold(x.name), x.text);
  return out;
}

std::string title_line(std::string_view name, std::string_view number,
                       const manual_title& x) {
  return ".TH " + std::string{name} + " " + std::string{number} + " \""
         + roff::text(x.date) + "\" \"PeaPod " + roff::typed(x.version)
         + "\" \"PeaPod\"\n";
}

constexpr auto purpose =
    R"(Nearby devices pool their internet connections. Each device runs a small daemon
with an HTTP proxy on it. When a program downloads a large file through the
proxy, the other devices of the local network fetch parts of it over their
internet connections, and the daemon puts the parts together.
.PP
.B peapod \-\-actor\-config
.I pod.ini
runs the daemon in the foreground. Most other commands ask a daemon that runs,
through its control socket, and take its configuration from the same option.
.PP
.BI \-\- section . key = value
overrides a key of the configuration, before or behind a command. See
.BR pod.ini (5).
)";

} // namespace

std::string program_manual(const command_entry& program,
                           const manual_title& title) {
  std::string out = title_line("PEAPOD", "1", title);
  out += roff::section("NAME") + "peapod \\- " + roff::text(program.description)
         + "\n";
  out += roff::section("SYNOPSIS")
         + "\\fBpeapod\\fR \\fB\\-\\-actor\\-config\\fR \\fIFILE\\fR "
           "[\\fB\\-\\-\\fIsection\\fB.\\fIkey\\fB=\\fIvalue\\fR ...]\n.br\n"
           "\\fBpeapod\\fR \\fIcommand\\fR [\\fIoptions\\fR]\n";
  out += roff::section("DESCRIPTION") + purpose;
  out += roff::section("OPTIONS");
  for (auto& x : program.options)
    out += entry(x);
  out += roff::section("COMMANDS");
  for (auto& at : all_places(program))
    if (!at.path.empty() && at.command.commands.empty())
      out += command_text(at);
  out += exit_codes() + variables();
  return out + roff::section("SEE ALSO") + ".BR pod.ini (5)\n";
}

} // namespace peapod
