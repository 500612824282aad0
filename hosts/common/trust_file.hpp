#pragma once

#include "core/error.hpp"
#include "core/trust_store.hpp"

#include <filesystem>

/// `trust.json` in the state folder: who belongs to this device's pod.
namespace peapod {

/// The store; an empty one when there is no file yet. A file that cannot be
/// understood is an error and stays as it is: who is trusted is not guessed,
/// and what a key has spoken is not forgotten. Errors: `bad_config`,
/// `permission_denied`, `io_failed`, each with the file's name and what to do.
result<trust_store> load_trust(const std::filesystem::path& state_dir);

/// Replaces the file in one step, readable by its owner only; makes the folder
/// (mode 0700) if need be. When this returns, it is on the disk.
result<void> save_trust(const std::filesystem::path& state_dir,
                        const trust_store& x);

} // namespace peapod
