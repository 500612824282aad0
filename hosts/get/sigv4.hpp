#pragma once

#include "core/http_message.hpp"
#include "core/types.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace peapod {

/// What signs requests to S3. Secrets: neither logged nor shown.
struct s3_credentials {
  std::string key_id;
  std::string secret;
  std::string token; ///< of a session, or empty
  std::string region;
};

/// `%XX` for all but letters, digits and `-._~`; with `keep_slash` for all but
/// `/`, too (AWS Signature Version 4, UriEncode).
std::string uri_encoded(std::string_view text, bool keep_slash = false);

/// Signs `head` at the time `now` (AWS Signature Version 4, in the field
/// `Authorization`): sets that, `x-amz-date`, `x-amz-content-sha256` and, with
/// a session, `x-amz-security-token`. `body` is the SHA-256 of the body. The
/// target has to be encoded as it goes out.
void sign(request_head& head, const digest& body, const s3_credentials& who,
          std::chrono::sys_seconds now);

} // namespace peapod
