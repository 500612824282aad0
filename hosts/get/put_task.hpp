#pragma once

#include "hosts/common/get_options.hpp"
#include "hosts/get/upload.hpp"

#include <string>

namespace peapod {

/// What the options and the environment (`AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`,
/// `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL`) say of an upload. Errors:
/// `bad_config`, and those of opening the file.
result<upload_task> make_upload_task(const put_options& x,
                                     const std::string& version);

} // namespace peapod
