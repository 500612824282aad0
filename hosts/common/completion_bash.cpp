#include "hosts/common/completion_walk.hpp"

#include <set>

namespace peapod::completion {

namespace {

/// `'PATH NAME'|...`, a pattern of `case "$at $word"`.
std::string pattern_of(const std::string& path, const option_entry& x) {
  std::vector<std::string> all;
  for (auto& name : x.names)
    all.push_back(shell_quoted(path + " " + name));
  // What stands before commands also stands behind them.
  if (path.empty())
    for (auto& name : x.names)
      all.push_back("*" + shell_quoted(" " + name));
  return joined(all, "|");
}

/// What fills COMPREPLY with values.
std::string values_of(const option_entry& x) {
  if (x.help == value_help::choices)
    return "_peapod_words " + shell_quoted(joined(x.choices));
  return x.help == value_help::file ? "_peapod_files" : ":";
}

/// Goes from word to word to the command that is completed.
std::string steps(const std::vector<place>& places) {
  std::string out;
  for (auto& at : places)
    for (auto& below : at.command.commands)
      out += "      " + shell_quoted(at.path + " " + below.name)
             + ") at=" + shell_quoted(at.path + "/" + below.name) + " ;;\n";
  return out;
}

/// The options that a value follows.
std::string with_values(const std::vector<place>& places, bool skip) {
  std::string out;
  for (auto i = places.rbegin(); i != places.rend(); ++i)
    for (auto* x : options_of(i->command))
      if (x->help != value_help::none)
        out += (skip ? "      " : "    ") + pattern_of(i->path, *x) + ") "
               + (skip ? "skip=1" : values_of(*x) + "; return") + " ;;\n";
  return out;
}

std::string option_names(const command_entry& x) {
  std::vector<std::string> out;
  for (auto* option : options_of(x))
    out.insert(out.end(), option->names.begin(), option->names.end());
  return joined(out);
}

/// The commands and arguments of each command.
std::string words(const std::vector<place>& places) {
  std::string out;
  for (auto& at : places) {
    std::vector<std::string> names;
    for (auto& below : at.command.commands)
      names.push_back(below.name);
    std::string line = "    " + shell_quoted(at.path) + ")";
    if (!names.empty())
      line += " _peapod_words " + shell_quoted(joined(names)) + ";";
    for (auto* x : arguments_of(at.command))
      line += " " + values_of(*x) + ";";
    out += line + " return ;;\n";
  }
  return out;
}

std::string sections(const std::vector<std::string>& keys) {
  std::set<std::string> found;
  for (auto& key : keys)
    found.insert("--" + key.substr(0, key.find('.') + 1));
  return joined({found.begin(), found.end()});
}

std::string key_options(const std::vector<std::string>& keys) {
  std::vector<std::string> out;
  for (auto& key : keys)
    out.push_back("--" + key + "=");
  return joined(out);
}

constexpr auto helpers = R"(_peapod_words() {
  COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

_peapod_files() {
  compopt -o filenames 2>/dev/null
  local IFS=$'\n'
  COMPREPLY+=($(compgen -f -- "$cur"))
}

)";

constexpr auto beginning = R"(_peapod() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local at='' word i skip=0
  COMPREPLY=()
  # Bash makes a word of the = of --option=value.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == = ]] && continue
    ((skip)) && { skip=0; continue; }
    case "$at $word" in
)";

} // namespace

std::string bash_script(const command_entry& program,
                        const std::vector<std::string>& keys) {
  auto places = all_places(program);
  std::string out = "# Completion of peapod for bash.\n\n";
  out += std::string{helpers} + beginning + steps(places)
         + with_values(places, true) + "    esac\n  done\n";
  out += "  case \"$at $prev\" in\n" + with_values(places, false) + "  esac\n";
  out += "  if [[ $cur == --*.* ]]; then\n    compopt -o nospace 2>/dev/null\n"
         "    _peapod_words "
         + shell_quoted(key_options(keys)) + "\n    return\n  fi\n";
  out += "  if [[ $cur == -* ]]; then\n    _peapod_words "
         + shell_quoted(option_names(program)) + "\n    case \"$at\" in\n";
  for (auto& at : places)
    if (!at.path.empty())
      out += "      " + shell_quoted(at.path) + ") _peapod_words "
             + shell_quoted(option_names(at.command)) + " ;;\n";
  out += "    esac\n"
         "    # A section is offered when there is nothing else.\n"
         "    if ((${#COMPREPLY[@]} == 0)); then\n"
         "      compopt -o nospace 2>/dev/null\n      _peapod_words "
         + shell_quoted(sections(keys)) + "\n    fi\n    return\n  fi\n";
  out += "  case \"$at\" in\n" + words(places) + "  esac\n}\n\n";
  return out + "complete -F _peapod peapod\n";
}

} // namespace peapod::completion
