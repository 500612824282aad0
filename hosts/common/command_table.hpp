#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace peapod {

/// What the value of an option or argument is, as far as a shell can help.
enum class value_help : uint8_t {
  none,    ///< a flag: there is no value
  text,    ///< something that a shell cannot know
  choices, ///< one of `choices`
  file,    ///< a path
};

/// An option, or an argument that stands by its place.
struct option_entry {
  std::vector<std::string> names; ///< as in `--json`; empty for an argument
  std::string value;              ///< what stands for the value, as in `FILE`
  std::string description;
  std::string initially; ///< its default; empty for none
  std::vector<std::string> choices;
  value_help help = value_help::none;
  bool required = false;
  bool many = false; ///< may be given several times

  bool is_argument() const {
    return names.empty();
  }
};

/// A command, its options and the commands below it. Help, completions and
/// the manual tell the same because all of them come from what the parser of
/// the command line was told.
struct command_entry {
  std::string name;
  std::string description;
  std::vector<option_entry> options; ///< and arguments, in their order
  std::vector<command_entry> commands;
};

/// What was declared in `app`. An option's type name says what its value is:
/// `FILE`, `PATH` and `FOLDER` are paths, a validator that is described as
/// `{a,b}` has these choices, as that of CLI::IsMember.
command_entry describe(const CLI::App& app);

} // namespace peapod
