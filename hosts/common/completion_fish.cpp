#include "hosts/common/completion_walk.hpp"

namespace peapod::completion {

namespace {

/// In fish a backslash means something between single quotes.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (auto c : text) {
    if (c == '\'' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + "'";
}

std::string path_cases(const std::vector<place>& places) {
  std::string out;
  for (auto& at : places) {
    for (auto& below : at.command.commands)
      out += "            case " + shell_quoted(at.path + " " + below.name)
             + "\n                set at "
             + shell_quoted(at.path + "/" + below.name) + "\n";
    std::vector<std::string> taking;
    for (auto* x : options_of(at.command))
      for (auto& name : x->names)
        if (x->help != value_help::none)
          taking.push_back(
              shell_quoted((at.path.empty() ? "*" : at.path) + " " + name));
    if (!taking.empty())
      out += "            case " + joined(taking)
             + "\n                set skip 1\n";
  }
  return out;
}

/// What follows an option or stands as an argument.
std::string values_of(const option_entry& x, bool argument) {
  switch (x.help) {
    case value_help::none:
      return "";
    case value_help::choices:
      return std::string{argument ? "" : " -x"} + " -a "
             + fish_quoted(joined(x.choices));
    case value_help::file:
      return argument ? " -F" : " -r -F";
    default:
      return argument ? "" : " -x";
  }
}

std::string option_line(const std::string& condition, const option_entry& x) {
  auto out = "complete -c peapod" + condition;
  for (auto& name : x.names)
    out += name.starts_with("--") ? " -l " + name.substr(2)
                                  : " -s " + name.substr(1);
  return out + values_of(x, false) + " -d " + fish_quoted(x.description) + "\n";
}

std::string lines_of(const place& at) {
  std::string out;
  auto condition = " -n " + shell_quoted("__peapod_at \"" + at.path + "\"");
  for (auto& x : at.command.commands)
    out += "complete -c peapod" + condition + " -a " + x.name + " -d "
           + fish_quoted(x.description) + "\n";
  for (auto* x : options_of(at.command))
    // What stands before commands also stands behind them.
    out += option_line(
        at.path.empty() && x->help != value_help::none ? "" : condition, *x);
  for (auto* x : arguments_of(at.command))
    if (auto values = values_of(*x, true); !values.empty())
      out += "complete -c peapod" + condition + values + "\n";
  return out;
}

constexpr auto opening = R"(# Completion of peapod for fish.

# Prints the command that is completed, as in /proxy/on.
function __peapod_path
    set -l at ''
    set -l skip 0
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch "$at $word"
)";

constexpr auto middle = R"(        end
    end
    echo $at
end

function __peapod_at
    test (__peapod_path) = "$argv[1]"
end

# Keys of the configuration are many: they are offered after a dot.
function __peapod_wants_keys
    string match -q -- '--*.*' (commandline -ct)
end

complete -c peapod -f
)";

} // namespace

std::string fish_script(const command_entry& program,
                        const std::vector<std::string>& keys) {
  auto places = all_places(program);
  auto out = std::string{opening} + path_cases(places) + middle;
  for (auto& at : places)
    out += lines_of(at);
  // As arguments: fish would write an option's value behind a space.
  for (auto& key : keys)
    out += "complete -c peapod -n __peapod_wants_keys -a '--" + key
           + "=' -d 'Override this key of the file'\n";
  return out;
}

} // namespace peapod::completion
