#pragma once

#include "core/error.hpp"
#include "core/identity.hpp"

#include <filesystem>
#include <span>

namespace peapod {

/// Random bytes of the operating system, for keys.
void system_random(std::span<uint8_t> out);

/// The device's identity from `state_dir/identity.key`, which holds the 32
/// secret bytes and is readable by its owner only. A missing folder (0700) or
/// key file (0600) is made; of two processes that make it at the same time both
/// get the same one. Errors: `permission_denied` when others may read the file,
/// `bad_config` when it does not have 32 bytes, `io_failed`.
result<identity> load_identity(const std::filesystem::path& state_dir);

} // namespace peapod
