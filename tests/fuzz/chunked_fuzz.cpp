// A chunked body is the same however its bytes arrive, and never longer than
// the simplest reader of chunks finds it.
//
// The input's first byte says how many bytes come at a time.

#include "hosts/net/http_input.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

using namespace peapod;
using namespace peapod::net;

namespace {

struct outcome {
  enum { incomplete, refused, complete } end = incomplete;
  std::string content{};
  size_t consumed = 0;

  bool operator==(const outcome&) const = default;
};

/// Takes all pieces that are there; whether more bytes are wanted.
bool drain(body_decoder& body, input_buffer& in, size_t limit, outcome& out) {
  while (!body.done()) {
    auto part = body.next(in, limit);
    if (!part) {
      check(part.error().code == errc::bad_http, "another code");
      out.end = outcome::refused;
      return false;
    }
    if (!*part)
      return true;
    check((*part)->bytes.size() <= limit, "a piece above the limit");
    check((*part)->last || !(*part)->bytes.empty(), "an empty piece");
    out.content += (*part)->bytes.text();
  }
  out.end = outcome::complete;
  return false;
}

/// What our decoder makes of `text` in portions.
outcome decode(std::string_view text, size_t portion) {
  input_buffer in;
  body_decoder body{body_framing::chunked, 0};
  outcome out;
  size_t fed = 0;
  do {
    auto n = std::min(portion, text.size() - fed);
    std::memcpy(in.prepare(n, 64).data(), text.data() + fed, n);
    in.commit(n);
    fed += n;
  } while (drain(body, in, portion * 3, out) && fed < text.size());
  out.consumed = fed - in.unread().size();
  return out;
}

/// Takes a line without its CRLF off `in`.
std::string_view take_line(std::string_view& in) {
  auto end = in.find("\r\n");
  check(end != in.npos, "a line without an end was taken");
  auto out = in.substr(0, end);
  in.remove_prefix(end + 2);
  return out;
}

/// The same by the grammar's letter (RFC 9112, 7.1) for a complete body.
outcome read_complete(std::string_view text) {
  outcome out;
  auto in = text;
  while (true) {
    auto line = take_line(in);
    uint64_t n = 0;
    auto [rest, ec] =
        std::from_chars(line.data(), line.data() + line.size(), n, 16);
    check(ec == std::errc{}, "a chunk without a size was taken");
    check(rest == line.data() + line.size() || *rest == ';' || *rest == ' '
              || *rest == '\t',
          "a size with something behind it was taken");
    if (n == 0)
      break;
    check(in.size() >= n, "more content than there is");
    out.content += in.substr(0, n);
    in.remove_prefix(n);
    check(take_line(in).empty(), "a chunk without an end was taken");
  }
  while (!take_line(in).empty()) {
  }
  out.end = outcome::complete;
  out.consumed = text.size() - in.size();
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2)
    return 0;
  std::string_view in{reinterpret_cast<const char*>(data + 1), size - 1};
  auto whole = decode(in, std::max<size_t>(in.size(), 1));
  auto parts = decode(in, size_t{1} + data[0]);
  check(whole.end == parts.end, "portions change the end");
  if (whole.end != outcome::complete)
    return 0;
  check(whole == parts, "portions change the content");
  check(whole == read_complete(in), "another content than there is");
  return 0;
}
