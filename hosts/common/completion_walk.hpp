#pragma once

#include "hosts/common/command_table.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// What the scripts of all shells have in common.
namespace peapod::completion {

/// A command and where it stands: `/proxy/on`, or nothing for the program.
struct place {
  std::string path;
  const command_entry& command;
};

/// The program and all commands below it, from the top.
std::vector<place> all_places(const command_entry& program);

/// The options of a command, without its arguments.
std::vector<const option_entry*> options_of(const command_entry& x);

/// The arguments of a command, without its options.
std::vector<const option_entry*> arguments_of(const command_entry& x);

/// A shell's word in single quotes, as POSIX has them.
std::string shell_quoted(std::string_view text);

/// The words with one space between them.
std::string joined(const std::vector<std::string>& words,
                   std::string_view between = " ");

std::string bash_script(const command_entry& program,
                        const std::vector<std::string>& keys);
std::string zsh_script(const command_entry& program,
                       const std::vector<std::string>& keys);
std::string fish_script(const command_entry& program,
                        const std::vector<std::string>& keys);

} // namespace peapod::completion
