// Any bytes are the head of a request, an incomplete one or an error that
// begins with a status; what was taken says the same when it is sent on.

#include "hosts/net/http_format.hpp"
#include "hosts/net/http_parse.hpp"
#include "tests/fuzz/http_lines.hpp"

using namespace peapod;
using namespace peapod::net;

namespace {

void check_error(const error& x) {
  check(x.code == errc::bad_http, "another code");
  check(x.detail.starts_with("400 ") || x.detail.starts_with("414 ")
            || x.detail.starts_with("431 ") || x.detail.starts_with("501 ")
            || x.detail.starts_with("505 "),
        "an error without a status");
}

void check_head(const request_head& x, std::string_view text) {
  check(!x.method.empty() && (x.to_proxy || !x.target.host.empty())
            && x.target.port != 0,
        "a request lacks a part");
  check(x.version == 10 || x.version == 11, "another version");
  check_fields(x.fields);
  auto lines = read_lines(text);
  auto chunked = x.framing == body_framing::chunked;
  auto length = x.framing == body_framing::length
                    ? std::optional{x.content_length}
                    : std::nullopt;
  check_framing(lines, chunked, length);
  check(chunked == (lines.count("Transfer-Encoding") > 0),
        "a transfer coding was ignored");
  check(length.has_value() == (lines.count("Content-Length") > 0)
            || (x.method == "CONNECT" && x.content_length == 0),
        "a length was ignored");
  check(x.fields.size() + lines.count("Transfer-Encoding")
                + lines.count("Content-Length")
            == lines.size(),
        "another number of fields");
}

void check_sent_on(const request_head& x) {
  auto text = format_request(x);
  if (!text)
    return;
  auto end = find_head_end(*text);
  check(end && *end == text->size(), "what is sent on ends elsewhere");
  auto again = parse_request_head(*text);
  check(again.has_value(), "what is sent on is refused");
  check(again->method == x.method && again->target.host == x.target.host
            && again->target.target == x.target.target,
        "the target changes when it is sent on");
  check(x.target.scheme != "http" || again->target.port == x.target.port,
        "the port changes when it is sent on");
  check(again->framing == x.framing
            && again->content_length == x.content_length,
        "the framing changes when it is sent on");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  auto end = find_head_end(in);
  if (!end)
    check_error(end.error());
  if (!end || !*end)
    return 0;
  check(**end <= size, "a head longer than the input");
  auto text = in.substr(0, **end);
  auto head = parse_request_head(text);
  if (!head) {
    check_error(head.error());
    return 0;
  }
  check_head(*head, text);
  if (head->method != "CONNECT" && !head->to_proxy)
    check_sent_on(*head);
  persists(head->version, head->fields);
  return 0;
}
