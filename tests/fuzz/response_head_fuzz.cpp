// Any bytes are the head of a response, an incomplete one or an error; what
// was taken has the same end when it is passed on to a client.

#include "hosts/net/http_format.hpp"
#include "hosts/net/http_parse.hpp"
#include "tests/fuzz/http_lines.hpp"

using namespace peapod;
using namespace peapod::net;

namespace {

bool has_no_body(unsigned status, bool to_head) {
  return to_head || status == 204 || status == 304 || status / 100 == 1;
}

void check_head(const response_head& x, std::string_view text, bool to_head) {
  check(x.status <= 999, "a status with too many digits");
  check(x.version == 10 || x.version == 11, "another version");
  check_fields(x.fields);
  auto lines = read_lines(text);
  auto chunked = x.framing == body_framing::chunked;
  check_framing(lines, chunked, x.content_length);
  if (has_no_body(x.status, to_head)) {
    auto expected =
        x.status == 101 ? body_framing::until_close : body_framing::none;
    check(x.framing == expected, "a body where none is");
    return;
  }
  check(chunked == (lines.count("Transfer-Encoding") > 0),
        "a transfer coding was ignored");
  check((x.framing == body_framing::length)
            == (lines.count("Content-Length") > 0),
        "a length was ignored");
}

void check_passed_on(const response_head& x, bool to_head) {
  auto close = x.framing == body_framing::until_close;
  auto text = format_response(x, {x.framing, close}, 11);
  if (!text)
    return;
  auto end = find_head_end(*text);
  check(end && *end == text->size(), "what is passed on ends elsewhere");
  auto again = parse_response_head(*text, to_head);
  check(again.has_value(), "what is passed on is refused");
  check(again->status == x.status && again->framing == x.framing,
        "the framing changes when it is passed on");
  check(x.framing != body_framing::length
            || again->content_length == x.content_length,
        "the length changes when it is passed on");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  auto end = find_head_end(in);
  if (!end || !*end)
    return 0;
  check(**end <= size, "a head longer than the input");
  auto text = in.substr(0, **end);
  for (auto to_head : {false, true}) {
    auto head = parse_response_head(text, to_head);
    check(head || head.error().code == errc::bad_http, "another code");
    if (!head)
      continue;
    check_head(*head, text, to_head);
    check_passed_on(*head, to_head);
    persists(head->version, head->fields);
  }
  return 0;
}
