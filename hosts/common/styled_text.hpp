#pragma once

#include "hosts/common/terminal_text.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace peapod {

/// What a piece of text means; a terminal turns it into a colour.
enum class tone : uint8_t {
  plain,
  dim,     ///< there, but seldom looked at
  strong,  ///< a title
  heading, ///< the names of columns
  good,
  warn,
  bad,
  fresh,  ///< has just begun
  active, ///< is at work
  tab,    ///< the page that is open
  source, ///< the first of `source_tones` devices; the others follow
};

/// How many devices can be told apart by their colour.
constexpr size_t source_tones = 6;

/// The tone of the device with this number.
tone source_tone(size_t index);

/// A piece of a line. Its text is printable.
struct span {
  std::string text;
  tone how = tone::plain;
};

/// A line of a screen or of printed text.
struct line {
  std::vector<span> spans;
  bool selected = false;

  line() = default;
  line(std::string text, tone how = tone::plain);

  line& add(std::string text, tone how = tone::plain);
  /// Adds spaces up to a column, and always `gap` of them.
  line& pad_to(size_t column, size_t gap = 0);
  /// Cuts what is beyond `width` columns.
  void cut(size_t width);
  /// Drops what stands in the first `width` columns.
  void drop(size_t width);
  size_t width() const;
  std::string text() const;
};

using lines = std::vector<line>;

/// How lines become bytes of a stream.
struct print_style {
  bool colour = false;
  charset set = charset::utf8;
};

/// What standard output can show: colours on a terminal only, and neither with
/// NO_COLOR in the environment (https://no-color.org) nor with TERM=dumb.
print_style style_of_stdout();

/// The lines as text, each with a line feed and without spaces at its end.
std::string to_text(const lines& content, const print_style& style = {});

} // namespace peapod
