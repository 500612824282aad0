#pragma once

#include "core/error.hpp"

#include <string>

namespace peapod {

/// A URL as somebody wrote it, without the user and the password in it.
struct plain_url {
  std::string text;
  std::string authorization; ///< value of that field, or empty
};

/// Takes `user:password@` out of a URL (RFC 3986, 3.2.1), percent-decodes it
/// and makes of it what `Authorization` says (RFC 7617). Errors: `bad_config`,
/// without a word of the secret.
result<plain_url> take_user_info(const std::string& text);

/// As RFC 4648, 4 writes bytes.
std::string base64(std::string_view text);

} // namespace peapod
