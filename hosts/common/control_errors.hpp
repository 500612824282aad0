#pragma once

#include "core/error.hpp"

#include <boost/system/error_code.hpp>

#include <filesystem>

namespace peapod {

/// Why the daemon behind the socket `path` could not be asked, in a sentence
/// that a user can act on.
error control_error(const std::filesystem::path& path,
                    const boost::system::error_code& ec);

/// Whether `path` fits into a socket's address; `bad_config` if not.
result<void> check_socket_path(const std::filesystem::path& path);

} // namespace peapod
