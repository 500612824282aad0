#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"

#include <string>

namespace peapod {

/// An answer of the proxy's own: why a request could not be served.
struct error_page {
  response_head head;
  std::string text;
};

/// The page for `why`, in plain words.
error_page make_error_page(unsigned status, const std::string& why);

/// The status that fits a failure to reach an origin (RFC 9110, 15.6), or the
/// one that a `bad_http` error of a client's request begins with.
unsigned status_for(const error& why);

/// The reason phrase that goes with a status of `status_for`.
std::string reason_for(unsigned status);

} // namespace peapod
