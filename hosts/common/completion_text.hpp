#pragma once

#include "hosts/common/command_table.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Scripts by which shells complete the program's command line. They need
/// nothing but the shell, and ask no daemon.
namespace peapod {

/// A shell that can be told what to complete.
enum class completion_shell { bash, zsh, fish };

/// `bash`, `zsh` or `fish`.
std::optional<completion_shell> parse_completion_shell(std::string_view name);

/// The script for `program`, its commands and their options. `keys` are those
/// of the configuration, which complete to `--section.key=`.
std::string completion_text(completion_shell shell,
                            const command_entry& program,
                            std::span<const std::string> keys);

} // namespace peapod
