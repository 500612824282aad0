#pragma once

#include "core/error.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Single entries of KDE's configuration files (KConfig's INI), changed
/// without touching anything else in them.
namespace peapod {

/// A value, and how KDE reads it.
struct kde_value {
  std::string text;
  std::string options{}; ///< as in `[$e]`, which expands variables; or empty

  bool operator==(const kde_value&) const = default;
};

/// The value of `key` in `[group]` as it stands there; nothing without it.
/// The last one counts, and `key[$e]` and the like are the same key.
std::optional<kde_value>
kde_entry(std::string_view text, std::string_view group, std::string_view key);

/// `text` with that value; an empty one takes the entry out. Error:
/// `not_allowed` when the administrator made it immutable (`[$i]`).
result<std::string> with_kde_entry(std::string_view text,
                                   std::string_view group, std::string_view key,
                                   const kde_value& value);

} // namespace peapod
