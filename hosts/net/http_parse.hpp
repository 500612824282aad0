#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

/// HTTP/1.x messages out of bytes (RFC 9112), without I/O. Strict where being
/// lenient lets two readers disagree about where a message ends.
namespace peapod::net {

/// Most bytes of a start line and header section together.
inline constexpr size_t max_head_size = 64 * 1024;

/// The size of the head that `bytes` begin with, including its empty line;
/// nothing when more bytes are needed. Errors: `bad_http`: `"431 ..."` above
/// `max_head_size`, `"414 ..."` for a start line above `max_start_line`,
/// `"400 ..."` for a line that does not end in CRLF.
result<std::optional<size_t>> find_head_end(std::string_view bytes);

/// Parses a complete request head. Errors: `bad_http`, the detail begins with
/// the status to answer (400, 414, 431, 501 or 505).
result<request_head> parse_request_head(std::string_view head);

/// Parses a complete response head; `to_head`: it answers HEAD, so no body
/// follows. A 101 has framing `until_close`: the connection is a tunnel from
/// here. `ICY 200 OK`, as Shoutcast writes it, stands for HTTP/1.0. Errors:
/// `bad_http`.
result<response_head> parse_response_head(std::string_view head, bool to_head);

/// Whether the sender of a message keeps its connection open after it
/// (RFC 9112, 9.3).
bool persists(unsigned version, const http_fields& fields);

/// What becomes of white space between the names of fields and their colons
/// (RFC 9112, 5.1): it is refused in requests, and removed from responses.
enum class padding { refused, removed };

/// Removes the framing of a chunked body (RFC 9112, 7.1). Trailer fields are
/// dropped.
class chunk_decoder {
public:
  /// `in_trailers`: what is done about it there.
  explicit chunk_decoder(padding in_trailers);
  ~chunk_decoder();
  chunk_decoder(chunk_decoder&&) noexcept;
  chunk_decoder& operator=(chunk_decoder&&) noexcept;

  /// What became of some bytes.
  struct step {
    size_t consumed = 0;    ///< bytes that need not be passed again
    size_t body_offset = 0; ///< where in the bytes the content begins
    size_t body_size = 0;   ///< how long it is
    bool last = false;      ///< the body ends here
  };

  /// Decodes `bytes` in place: the content of all chunks is moved together.
  /// Pass what was not consumed again, with more behind it. Errors: `bad_http`.
  result<step> decode(std::span<char> bytes);

private:
  class parser;
  std::unique_ptr<parser> parser_;
};

} // namespace peapod::net
