#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

namespace peapod {

/// Reads a file that holds a secret into `to`, and as much as fits. The number
/// of bytes, or nothing when there is no such file. `holds` ends the sentence
/// `FILE holds ...`. Errors: `permission_denied` when others may use it,
/// `bad_config` when it is no file, `io_failed`.
result<std::optional<size_t>>
read_private_file(const std::filesystem::path& file, std::string_view holds,
                  std::span<uint8_t> to);

} // namespace peapod
