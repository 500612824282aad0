#pragma once

#include "core/http_semantics.hpp"

#include <string>
#include <string_view>
#include <utility>

/// Requests and responses by which the semantics of HTTP are tested.
namespace peapod::test {

inline constexpr uint64_t size = 8_MiB;

inline request_head get(std::string_view text = "http://a/x",
                        http_fields fields = {}) {
  request_head out;
  out.method = "GET";
  out.target = parse_url(text).value();
  out.fields = std::move(fields);
  return out;
}

/// A response that may be pooled.
inline response_head ok() {
  response_head out;
  out.status = 200;
  out.framing = body_framing::length;
  out.content_length = size;
  out.fields = {{"Accept-Ranges", "bytes"}, {"ETag", "\"v1\""}};
  return out;
}

/// The part of `ok` from `begin` up to, not including, `end`.
inline response_head part(uint64_t begin, uint64_t end) {
  auto out = ok();
  out.status = 206;
  out.content_length = end - begin;
  out.fields.set("Content-Range", "bytes " + std::to_string(begin) + '-'
                                      + std::to_string(end - 1) + '/'
                                      + std::to_string(size));
  return out;
}

inline response_head with(response_head x, std::string name,
                          std::string value) {
  x.fields.set(std::move(name), std::move(value));
  return x;
}

inline response_head without(response_head x, std::string_view name) {
  x.fields.erase(name);
  return x;
}

/// `"eligible"`, or why not.
inline std::string judged(const request_head& request,
                          const response_head& response,
                          pool_policy policy = {}) {
  auto x = judge(request, response, policy);
  auto why = std::get_if<ineligible>(&x);
  return why ? std::string{to_string(*why)} : "eligible";
}

inline std::string words(ineligible x) {
  return std::string{to_string(x)};
}

inline std::string checked(const response_head& response, byte_range asked,
                           const representation& expected) {
  auto x = check_range_response(response, asked, expected);
  return x ? "accepted" : std::string{to_string(x.error().code)};
}

inline std::string words(errc x) {
  return std::string{to_string(x)};
}

inline const representation version_1{"\"v1\"", std::nullopt, size};

inline std::string value_of(const http_fields& fields, std::string_view name) {
  return std::string{fields.find(name).value_or("none")};
}

} // namespace peapod::test
