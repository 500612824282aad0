#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace peapod {

/// A secret line from standard input into `to`; its length, without the line
/// end. From a terminal it is asked for with `prompt` and does not show;
/// `again` asks for it a second time then, and both have to be the same.
/// Errors: `bad_config` when it is longer than `to`, is empty, or differs the
/// second time; `io_failed`.
result<size_t> read_hidden_line(std::string_view prompt,
                                std::optional<std::string_view> again,
                                std::span<uint8_t> to);

} // namespace peapod
