#pragma once

#include <string>
#include <string_view>

/// Pieces of manual pages.
namespace peapod::roff {

/// Text as it is: nothing in it is a request or an escape.
std::string text(std::string_view plain);

/// The same for what is typed: each hyphen is a minus, so that it can be
/// copied.
std::string typed(std::string_view plain);

std::string bold(std::string_view plain);
std::string italic(std::string_view plain);

/// A line that begins a section, a part of one, a paragraph.
std::string section(std::string_view title);
std::string subsection(std::string_view title);

/// A tag and what stands beside it. `tag` and `body` are roff.
std::string tagged(std::string_view tag, std::string_view body);

} // namespace peapod::roff
