#include "hosts/common/completion_walk.hpp"

namespace peapod::completion {

namespace {

/// Text inside of the brackets or between the colons of a specification.
std::string escaped(std::string_view text) {
  std::string out;
  for (auto c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\')
      out += '\\';
    out += c;
  }
  return out;
}

std::string function_of(const std::string& path) {
  std::string out = "_peapod";
  for (auto c : path)
    out += c == '/' ? std::string{"__"} : std::string{c == '-' ? '_' : c};
  return out;
}

/// `:FILE:_files` and the like; empty for a flag.
std::string action_of(const option_entry& x) {
  switch (x.help) {
    case value_help::none:
      return "";
    case value_help::choices:
      return ":" + escaped(x.value) + ":(" + joined(x.choices) + ")";
    case value_help::file:
      return ":" + escaped(x.value) + ":_files";
    default:
      return ":" + escaped(x.value) + ": ";
  }
}

std::string option_specs(const command_entry& x) {
  std::string out;
  for (auto* option : options_of(x)) {
    auto exclusive = option->many ? "" : "(" + joined(option->names) + ")";
    for (auto& name : option->names) {
      bool joins = name.starts_with("--") && option->help != value_help::none;
      out += " \\\n    "
             + shell_quoted((option->many ? "*" : exclusive) + name
                            + (joins ? "=" : "") + "["
                            + escaped(option->description) + "]"
                            + action_of(*option));
    }
  }
  return out;
}

std::string argument_specs(const command_entry& x) {
  std::string out;
  unsigned number = 1;
  for (auto* argument : arguments_of(x))
    out += " \\\n    "
           + shell_quoted((argument->many ? "*" : std::to_string(number++))
                          + action_of(*argument));
  return out;
}

std::string key_specs(const std::vector<std::string>& keys) {
  std::string out;
  for (auto& key : keys)
    out +=
        " \\\n    "
        + shell_quoted("--" + key + "=[Override this key of the file]:value: ");
  return out;
}

/// A function that offers the commands below another one.
std::string offer(const place& at) {
  auto out = function_of(at.path) + "_commands() {\n  local -a found=(";
  for (auto& x : at.command.commands)
    out += "\n    " + shell_quoted(escaped(x.name) + ":" + x.description);
  return out + "\n  )\n  _describe -t commands command found\n}\n\n";
}

/// Hands over to the function of the command that stands there.
std::string go_on(const place& at) {
  std::string out = "  if [[ $state == rest ]]; then\n    case $line[1] in\n";
  for (auto& x : at.command.commands)
    out += "      " + x.name + ") " + function_of(at.path + "/" + x.name)
           + " ;;\n";
  return out + "    esac\n  fi\n";
}

std::string function_text(const place& at, const command_entry& program,
                          const std::vector<std::string>& keys) {
  std::string out;
  bool has_commands = !at.command.commands.empty();
  if (has_commands)
    out += offer(at);
  out += function_of(at.path)
         + "() {\n"
           "  local curcontext=\"$curcontext\" state line\n"
           "  typeset -A opt_args\n  _arguments -C -s"
         + option_specs(at.command);
  out += at.path.empty() ? key_specs(keys) : "";
  // What stands before commands also stands behind them.
  if (!at.path.empty())
    for (auto* x : options_of(program))
      if (x->help != value_help::none)
        out += option_specs({"", "", {*x}, {}});
  out += argument_specs(at.command);
  if (has_commands)
    out += " \\\n    "
           + shell_quoted("1: :" + function_of(at.path) + "_commands")
           + " \\\n    '*:: :->rest'";
  out += "\n";
  return out + (has_commands ? go_on(at) : "") + "}\n\n";
}

} // namespace

std::string zsh_script(const command_entry& program,
                       const std::vector<std::string>& keys) {
  std::string out = "#compdef peapod\n# Completion of peapod for zsh.\n\n";
  for (auto& at : all_places(program))
    out += function_text(at, program, keys);
  // Both as a file of fpath and by eval.
  return out
         + "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
           "  _peapod \"$@\"\nelse\n  compdef _peapod peapod\nfi\n";
}

} // namespace peapod::completion
