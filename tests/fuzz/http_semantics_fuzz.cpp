// What heads say about ranges and addresses never contradicts itself: reads a
// URL, the fields of a request, a status and the fields of a response.

#include "core/address_policy.hpp"
#include "core/http_semantics.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <chrono>

using namespace peapod;

namespace {

std::string_view next_line(std::string_view& in) {
  auto line = in.substr(0, in.find('\n'));
  in.remove_prefix(std::min(in.size(), line.size() + 1));
  return line;
}

/// `name:value` lines up to an empty one.
http_fields read_fields(std::string_view& in) {
  http_fields out;
  for (auto line = next_line(in); !line.empty(); line = next_line(in)) {
    auto colon = line.find(':');
    auto value = colon == std::string_view::npos ? std::string_view{}
                                                 : line.substr(colon + 1);
    out.add(std::string{line.substr(0, colon)}, std::string{value});
  }
  return out;
}

void check_url(std::string_view text) {
  auto x = parse_url(text);
  if (!x)
    return;
  check(!x->host.empty() && x->port != 0 && x->target.starts_with('/'),
        "a URL lacks a part");
  auto again = parse_url(x->text());
  check(again && again->text() == x->text() && !again->has_userinfo,
        "a URL changes when it is parsed again");
}

void check_address(std::string_view text) {
  exit_policy closed;
  auto ip = parse_ip(text);
  auto allowed = closed.check(text, 80, {}).has_value();
  check(allowed == (ip && is_public(ip->unmapped())),
        "an exit that is not public");
  if (auto x = parse_network(text))
    check(x->contains(x->prefix), "a network without its prefix");
}

void check_ranges(std::string_view text) {
  constexpr uint64_t total = 1000;
  if (auto x = parse_range(text))
    if (auto range = resolve(*x, total))
      check(!range->empty() && range->end <= total, "a range outside");
  if (auto x = parse_content_range(text); x && x->range) {
    check(!x->range->empty(), "an empty content range");
    check(!x->total || x->range->end <= *x->total, "a content range outside");
  }
}

void check_answer(const request_head& request, const response_head& response) {
  auto x = judge(request, response, {true, 1, false});
  auto found = std::get_if<eligible>(&x);
  if (!found)
    return;
  check(!found->body.empty() && found->body.end <= found->total,
        "a body outside");
  check(has_usable_validator(found->version), "no validator");
  check(same_representation(found->version, found->version),
        "not the same as itself");
  auto again = make_range_request(request, found->body, found->version);
  auto range = parse_range(again.fields.joined("Range"));
  check(range && resolve(*range, found->total) == found->body, "another range");
  if (response.status == 206)
    check(
        check_range_response(response, found->body, found->version).has_value(),
        "an eligible part that is refused");
}

void check_rest(const response_head& response) {
  using namespace std::chrono_literals;
  if (auto x = retry_after(response))
    check(*x >= 0s && *x <= 24h * 365, "a rest without bounds");
}

void check_forwarding(http_fields fields) {
  strip_hop_by_hop(fields);
  check(!fields.find("Connection") && !fields.find("Transfer-Encoding"),
        "a field of one connection");
  add_via(fields, 11, "peapod-test");
  check(via_names(fields, "peapod-test"), "a loop goes unseen");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  auto line = next_line(in);
  check_url(line);
  check_address(line);
  check_ranges(line);
  request_head request;
  request.method = "GET";
  if (auto target = parse_url(line))
    request.target = *target;
  request.fields = read_fields(in);
  response_head response;
  response.status = next_line(in) == "206" ? 206 : 200;
  response.fields = read_fields(in);
  response.framing = body_framing::length;
  auto place = parse_content_range(response.fields.joined("Content-Range"));
  response.content_length = place && place->range ? place->range->size() : 1000;
  check_answer(request, response);
  check_rest(response);
  check_forwarding(response.fields);
  return 0;
}
