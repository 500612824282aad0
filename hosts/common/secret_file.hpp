#pragma once

#include "core/error.hpp"
#include "core/pod_secret.hpp"

#include <filesystem>
#include <optional>

/// The file of the pod's secret: its text form and a line end, readable by its
/// owner only.
namespace peapod {

/// The secret, or nothing when there is no file. Errors: `permission_denied`
/// when others may use it, `bad_config` when it is no secret, `io_failed`; each
/// says what to do.
result<std::optional<pod_secret>>
read_secret(const std::filesystem::path& file);

/// The secret, which has to be there. Errors as above, and `not_found`.
result<pod_secret> load_secret(const std::filesystem::path& file);

/// Puts it in place of what the file holds, in one step; makes the folder (mode
/// 0700) if need be. When this returns, it is on the disk.
result<void> save_secret(const std::filesystem::path& file,
                         const pod_secret& x);

} // namespace peapod
