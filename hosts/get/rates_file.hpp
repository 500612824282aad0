#pragma once

#include "hosts/get/line_rates.hpp"

#include <filesystem>

namespace peapod {

/// What earlier runs have measured, from `line-rates.json` in the state
/// folder; nothing if that cannot be read.
line_rates read_line_rates(const std::filesystem::path& state_dir);

/// Bytes a second by the names of `line_rates`.
using new_rates = std::map<std::string, uint64_t>;

/// Keeps what was measured now with what is known from before. Where that
/// cannot be written, the next run knows less; it is no failure.
void keep_line_rates(const std::filesystem::path& state_dir,
                     const new_rates& up, const new_rates& down);

} // namespace peapod
