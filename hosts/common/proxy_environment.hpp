#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace peapod {

/// Shells that differ in how variables are set.
enum class shell_kind {
  posix, ///< sh, bash, zsh, dash, ksh
  fish,
};

/// The shell that a name or a path stands for, as in `$SHELL`; nothing for an
/// unknown one.
std::optional<shell_kind> parse_shell(std::string_view name);

/// Commands for `eval` that make programs use the proxy at `url`: each
/// variable in both cases, because programs differ in which one they read.
std::string proxy_exports(shell_kind shell, std::string_view url);

/// Commands that undo it.
std::string proxy_unsets(shell_kind shell);

/// A word in quotes that the shell takes as it is.
std::string quoted(shell_kind shell, std::string_view text);

} // namespace peapod
