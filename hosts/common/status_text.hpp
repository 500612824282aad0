#pragma once

#include "core/error.hpp"
#include "hosts/common/control_data.hpp"
#include "hosts/common/styled_text.hpp"

#include <string>
#include <string_view>

namespace peapod {

/// The daemon's answer to `GET /v1/status` as tables for people. Members that
/// are missing are left out. Error: `bad_http` when it is not a JSON object.
result<std::string> status_text(std::string_view json,
                                const print_style& style = {});

namespace control {

/// The same as lines.
lines status_lines(const status& x);

/// Those of them that say what is fetched for others, and why not.
lines share_lines(const status& x);

} // namespace control

} // namespace peapod
