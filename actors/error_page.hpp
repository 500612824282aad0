#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"

#include <string>

/// Answers of the proxy's own: small pages that a person can read, in a browser
/// and in a terminal.
namespace peapod {

/// A response that was made here, with its whole body.
struct own_page {
  response_head head;
  std::string text;
};

/// Whether a page is for a browser: the client's `Accept` names HTML.
bool wants_html(const http_fields& request);

/// Says that a request failed for `why`, in plain words and with what to do;
/// `Proxy-Status` (RFC 9209) says it to programs. The status is that of
/// `status_for`.
own_page make_error_page(const error& why, bool html);

/// `why` as what kept us from the upstream proxy that its detail names. Its
/// page speaks of that proxy instead of the site; the code stays.
error failure_at_upstream(error why);

/// That the line which is called `name` in `[wan] bind` is not there: no
/// interface or no address of this machine. Its page says so.
error missing_line(const std::string& name);

/// What somebody sees who takes the proxy for a web site. `address` is where
/// the client found it, as in `127.0.0.1:3128`, or empty.
own_page make_welcome_page(const std::string& address, bool html);

/// The status that fits a failure to reach an origin (RFC 9110, 15.6), or the
/// one that a `bad_http` error of a client's request begins with.
unsigned status_for(const error& why);

/// The reason phrase that goes with a status of `status_for`.
std::string reason_for(unsigned status);

} // namespace peapod
