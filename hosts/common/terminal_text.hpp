#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace peapod {

/// What a terminal can show.
enum class charset {
  ascii,
  utf8,
};

/// Takes the locale of the environment for characters, and says what it can
/// show. Without it the C library knows ASCII only.
charset use_terminal_locale();

/// Text of others as valid UTF-8 that cannot move a cursor, change a colour or
/// the direction of writing: what is not printable becomes `?`.
std::string printable(std::string_view text);

/// How many columns printable text takes; wide characters take two.
size_t width_of(std::string_view text);

/// The longest beginning of printable text that takes at most `width` columns.
std::string_view beginning_of(std::string_view text, size_t width);

/// Printable text cut to at most `width` columns; what was cut ends with `…`.
std::string cut_to(std::string_view text, size_t width);

/// The same, filled with spaces to exactly `width` columns, on the left when
/// `right` is true.
std::string fit_to(std::string_view text, size_t width, bool right = false);

/// Printable text as `set` can show it, with the same width: lines and bars
/// become similar signs of ASCII, what has none becomes `?`.
std::string in_charset(std::string_view text, charset set);

} // namespace peapod
