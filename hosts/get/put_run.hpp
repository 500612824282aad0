#pragma once

#include "hosts/common/get_options.hpp"

#include <string>

namespace peapod {

/// `peapod put`: uploads one file. The exit code (docs/GET.md).
int run_put(const put_options& x, const std::string& version);

} // namespace peapod
