#pragma once

#include "core/error.hpp"

#include <string>

namespace peapod {

/// `text`, a URL with a scheme and without a user, with its host as name
/// servers know it, if that has letters beyond ASCII (IDNA 2008, UTS 46).
/// Errors: `bad_config` when it cannot be a name.
result<std::string> with_ascii_host(const std::string& text);

} // namespace peapod
