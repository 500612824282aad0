#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"

#include <string>
#include <string_view>

namespace peapod {

/// What file systems take, with room for the endings of the files beside it.
constexpr size_t max_name_size = 200;

/// `name` as the name of a file in the present folder: without what would lead
/// elsewhere, hide it or confuse a terminal. Empty when nothing is left.
std::string safe_name(std::string_view name);

/// What a download of `x` is called: the last part of its path, or
/// `index.html`.
std::string name_of(const url& x);

/// `text` with what no URL may hold (spaces, letters beyond ASCII) replaced by
/// `%XX`, as people and servers often forget to.
std::string escaped(std::string_view text);

/// Where a `Location` leads that came with an answer of `base` (RFC 9110,
/// 10.2.2; RFC 3986, 5). Errors: `bad_http`.
result<url> follow(const url& base, std::string_view location);

} // namespace peapod
