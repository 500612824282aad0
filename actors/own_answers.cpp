#include "actors/own_answers.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace peapod {

namespace {

/// Fields that a reflected request must not give away (RFC 9110, 9.3.8).
constexpr std::string_view secret_fields[] = {"Authorization", "Cookie",
                                              "Proxy-Authorization"};

/// The number of forwards left; nothing when it is not one. A larger number
/// than any chain of proxies needs stands for itself.
std::optional<uint64_t> parse_forwards(std::string_view text) {
  uint64_t out = 0;
  auto end = text.data() + text.size();
  auto [ptr, ec] = std::from_chars(text.data(), end, out);
  if (ec != std::errc{} || ptr != end || text.empty())
    return std::nullopt;
  return out;
}

/// What this proxy does, in a head without a body.
own_page answer_options() {
  own_page out;
  out.head.status = 200;
  out.head.reason = reason_for(200);
  out.head.fields.add("Allow", "GET, HEAD, POST, PUT, DELETE, CONNECT, "
                               "OPTIONS, TRACE, PATCH");
  out.head.framing = body_framing::length;
  out.head.content_length = 0;
  return out;
}

/// Gives the request back as it came here (RFC 9110, 9.3.8).
own_page answer_trace(const request_head& request) {
  own_page out;
  out.head.status = 200;
  out.head.reason = reason_for(200);
  out.head.fields.add("Content-Type", "message/http");
  out.text = "TRACE " + request.target.text() + " HTTP/1."
             + std::to_string(request.version % 10) + "\r\n";
  for (auto& field : request.fields)
    if (std::ranges::none_of(secret_fields, [&](auto name) {
          return equal_ignoring_case(name, field.name);
        }))
      out.text += field.name + ": " + field.value + "\r\n";
  out.text += "\r\n";
  out.head.framing = body_framing::length;
  out.head.content_length = out.text.size();
  return out;
}

own_page refuse(const request_head& request, std::string detail) {
  return make_error_page(make_error(errc::bad_http, std::move(detail)),
                         wants_html(request.fields));
}

/// Whether no forward is left; counts one off else. Errors: `bad_http`.
result<bool> spend_forward(request_head& request) {
  if (request.fields.count("Max-Forwards") > 1)
    return make_error(errc::bad_http, "400 more than one Max-Forwards");
  auto text = request.fields.find("Max-Forwards");
  if (!text)
    return false;
  auto left = parse_forwards(*text);
  if (!left)
    return make_error(errc::bad_http, "400 Max-Forwards is not a number");
  if (*left == 0)
    return true;
  request.fields.set("Max-Forwards", std::to_string(*left - 1));
  return false;
}

} // namespace

std::optional<own_page> answer_here(request_head& request) {
  bool trace = request.method == "TRACE";
  if (request.to_proxy && request.method == "OPTIONS")
    return answer_options();
  if (request.to_proxy) {
    auto& at = request.target;
    return make_welcome_page(at.host.empty()
                                 ? std::string{}
                                 : to_string(host_port{at.host, at.port}),
                             wants_html(request.fields));
  }
  // A length of 0 announces none.
  if (trace && request.framing == body_framing::length
      && request.content_length == 0)
    request.framing = body_framing::none;
  if (trace && request.framing != body_framing::none)
    return refuse(request, "400 TRACE has no body");
  if (!trace && request.method != "OPTIONS")
    return std::nullopt;
  auto ends_here = spend_forward(request);
  if (!ends_here)
    return refuse(request, ends_here.error().detail);
  if (!*ends_here)
    return std::nullopt;
  return trace ? answer_trace(request) : answer_options();
}

} // namespace peapod
