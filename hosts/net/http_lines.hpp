#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

/// The lines of a message's head, before anybody asks what they mean: what two
/// readers could read in two ways is refused here, for requests and responses
/// alike (RFC 9112, 2.2, 5.1, 5.2; RFC 9110, 5.5).
namespace peapod::net {

/// What is wrong with a message. Of a request, `detail` begins with the status
/// that the client is to get.
inline error bad_http(std::string detail) {
  return make_error(errc::bad_http, std::move(detail));
}

/// Most bytes of a request line, and of a status line.
inline constexpr size_t max_start_line = 32 * 1024;

/// Most fields of a head.
inline constexpr size_t max_fields = 256;

/// Whether `c` may stand in a token (RFC 9110, 5.6.2).
bool is_token_character(char c);

/// Whether `text` has a control character other than the tab; CR and LF are
/// among them.
bool has_control(std::string_view text);

/// Checks the lines of a complete head, which end in CRLF: a start line and
/// fields of the form `name: value` whose names are tokens, without bare CR,
/// control characters and folded lines. Errors: `bad_http`, the detail begins
/// with the status that a client is to get (400, 414 or 431).
result<void> check_lines(std::string_view head);

/// A complete head without the white space between names of fields and their
/// colons, which a proxy removes from responses (RFC 9112, 5.1).
std::string without_padding(std::string_view head);

/// Whether `bytes` can be how a response begins; so that what is no HTTP is
/// told before its end is waited for.
bool may_begin_response(std::string_view bytes);

/// What stands for the protocol's version in the status line of Shoutcast.
inline constexpr std::string_view stream_name = "ICY ";

/// Whether `bytes` can be how a stream of Shoutcast begins: `stream_name`,
/// three digits, and a space or the line's end.
bool may_begin_stream(std::string_view bytes);

/// The same for a request. Errors: `bad_http` (400), which says what came
/// instead.
result<void> check_request_begin(std::string_view bytes);

} // namespace peapod::net
