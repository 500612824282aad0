// Any request that was taken is answered here by a well-formed message or goes
// on; any words of a failure give a page that is one, and HTML in which they
// are nothing but words.

#include "actors/own_answers.hpp"
#include "hosts/net/http_format.hpp"
#include "hosts/net/http_parse.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <string>

using namespace peapod;
using namespace peapod::net;

namespace {

size_t count(std::string_view text, char c) {
  return static_cast<size_t>(std::ranges::count(text, c));
}

void check_page(const own_page& page) {
  check(page.head.content_length == page.text.size(), "another length");
  auto text = format_response(page.head, {page.head.framing, true}, 11);
  check(text.has_value(), "a page that cannot be written");
  auto end = find_head_end(*text);
  check(end && *end == text->size(), "a page's head ends elsewhere");
  auto again = parse_response_head(*text, false);
  check(again && again->status == page.head.status, "a page that is no HTTP");
}

void check_words(const std::string& words) {
  error why{errc::dns_failed, words};
  auto html = make_error_page(why, true);
  auto empty = make_error_page(error{errc::dns_failed, "x"}, true);
  check_page(html);
  check_page(make_error_page(why, false));
  check(count(html.text, '<') == count(empty.text, '<'), "words became markup");
  why.code = errc::bad_http;
  check_page(make_error_page(why, true));
  check_page(make_welcome_page(words, true));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  check_words(std::string{in});
  auto end = find_head_end(in);
  if (!end || !*end)
    return 0;
  auto head = parse_request_head(in.substr(0, **end));
  if (!head)
    return 0;
  if (auto page = answer_here(*head))
    check_page(*page);
  return 0;
}
