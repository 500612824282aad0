#pragma once

#include "hosts/get/sigv4.hpp"
#include "hosts/get/upload_protocol.hpp"

#include <memory>
#include <string>
#include <vector>

namespace peapod {

/// What S3 asks of parts, but for the last one.
constexpr uint64_t s3_min_part = 5_MiB;
constexpr uint64_t s3_max_parts = 10'000;

/// Requests that somebody else has signed.
struct presigned_urls {
  std::vector<url> parts; ///< one a part, in order
  std::optional<url> complete;
  std::optional<url> abort;
};

/// Lines with one URL each; `#` begins a comment. Errors: `bad_config`.
result<std::vector<url>> parse_url_list(std::string_view text);

/// `s3://BUCKET/KEY` as a URL: that of the region, or below `endpoint`, if that
/// is not empty. Errors: `bad_config`.
result<url> parse_s3_target(std::string_view text, const std::string& region,
                            const std::string& endpoint);

/// A multipart upload of S3, signed here.
std::unique_ptr<upload_protocol> make_s3_upload(upload_plan plan,
                                                s3_credentials who);

/// The same with requests that were signed elsewhere. Without
/// `presigned_urls::complete` the parts are uploaded and not put together.
std::unique_ptr<upload_protocol> make_presigned_upload(upload_plan plan,
                                                       presigned_urls urls);

} // namespace peapod
