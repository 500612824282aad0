#pragma once

#include "hosts/common/get_options.hpp"

#include <string>

namespace peapod {

/// `peapod get`: downloads everything that the options name, one file after
/// the other. The exit code: of the first that failed (docs/GET.md).
int run_get(const get_options& x, const std::string& version);

} // namespace peapod
