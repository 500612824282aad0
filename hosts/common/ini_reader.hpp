#pragma once

#include <caf/config_value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// One `key = value` of an INI text.
struct ini_entry {
  std::string key; ///< `section.key`; of `[a.b]`, `a.b.key`
  caf::config_value value;
  int line = 0; ///< of the key, from 1
};

/// A place where the text is not INI.
struct ini_problem {
  int line = 0; ///< from 1
  std::string what;
  /// As in `ini_entry`, if it is the value of a key that cannot be read.
  std::string key{};
};

/// What stands in an INI text, in its order, duplicates included.
struct ini_text {
  std::vector<ini_entry> entries;
  std::vector<ini_problem> problems; ///< in the order of their lines
  /// Whether each key that stands there is named by one of them. Not so below
  /// a section whose name cannot be read, for example.
  bool complete = true;
};

/// Reads CAF's INI syntax: `[section]`, `"text"`, `'atom'`, `true`, numbers,
/// durations such as `4s`, lists, `;` comments. Lines may end with CRLF.
/// Reading goes on behind a problem, but not for ever: after 64 of them the
/// rest is not read. What stands in a section whose name cannot be read is left
/// out.
ini_text read_ini(std::string_view text);

} // namespace peapod
