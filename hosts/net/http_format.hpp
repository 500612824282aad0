#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"
#include "core/upstream.hpp"

#include <cstddef>
#include <string>
#include <string_view>

/// HTTP/1.1 messages into bytes (RFC 9112). Heads are always written anew,
/// never passed on as they were received.
namespace peapod::net {

/// The head of a request to an origin: origin form, `Host` and framing made
/// from the head. With `upstream` it is one to that proxy: in absolute form,
/// and with its credentials. Errors: `bad_http` when a part of it holds
/// characters that would break the message.
result<std::string> format_request(const request_head& head,
                                   const upstream_proxy* upstream = nullptr);

/// How a response's end is shown to a client.
struct response_layout {
  body_framing framing = body_framing::none;
  bool close = false; ///< the connection ends after it
};

/// The head of a response to a client that speaks `client_version` (10 or 11).
/// `date`, unless it is empty, is that of a final one that brings none (RFC
/// 9110, 6.6.1). Errors as in `format_request`.
result<std::string> format_response(const response_head& head,
                                    response_layout layout,
                                    unsigned client_version,
                                    std::string_view date = {});

/// What precedes a chunk of `size` bytes; CRLF follows it.
std::string chunk_prefix(size_t size);

} // namespace peapod::net
