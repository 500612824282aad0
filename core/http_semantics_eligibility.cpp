#include "core/http_date.hpp"
#include "core/http_semantics.hpp"
#include "core/secret_names.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace peapod {

namespace {

/// `Cookie`, `Authorization`, and fields such as `X-Api-Key`.
bool has_credentials(const request_head& request) {
  return std::ranges::any_of(request.fields, [](auto& field) {
    return names_secret(field.name)
           && !equal_ignoring_case(field.name, "Proxy-Authorization");
  });
}

bool is_personal(const response_head& response) {
  auto& fields = response.fields;
  if (fields.find("Set-Cookie"))
    return true;
  // `private="field"` concerns that field alone (RFC 9111, 5.2.2.7).
  return fields.has_token("Cache-Control", "private");
}

/// Whether `Last-Modified` can stand for a strong validator: by its own clock
/// the origin has answered a second later at least, so that no second change
/// hides in the same second (RFC 9110, 8.8.2.2). Without a `Date` nobody knows.
bool is_settled(const representation& x, const response_head& response) {
  if (x.etag && is_strong(*x.etag))
    return true;
  auto changed = parse_http_date(x.last_modified.value_or(""));
  auto sent = parse_http_date(response.fields.joined("Date"));
  return changed && sent && *sent - *changed >= std::chrono::seconds{1};
}

bool has_coding_without_strong_etag(const representation& x,
                                    const response_head& response) {
  auto codings = response.fields.joined("Content-Encoding");
  auto plain = [](auto x) { return equal_ignoring_case(x, "identity"); };
  return !std::ranges::all_of(list_members(codings), plain)
         && !(x.etag && is_strong(*x.etag));
}

/// The range of a 206, which must be the one that the client asked for.
eligibility part_of(const request_head& request,
                    const response_head& response) {
  auto& fields = response.fields;
  auto range = parse_range(request.fields.joined("Range"));
  auto place = parse_content_range(fields.joined("Content-Range"));
  if (!range || request.fields.count("Range") != 1)
    return ineligible::range_form;
  if (!place || !place->range
      || fields.has_token("Content-Type", "multipart/byteranges"))
    return ineligible::content_range;
  if (!place->total)
    return ineligible::unknown_length;
  auto asked = resolve(*range, *place->total);
  if (!asked)
    return ineligible::range_form;
  if (*asked != *place->range || response.content_length != asked->size())
    return ineligible::content_range;
  return eligible{*asked, *place->total, representation_of(response)};
}

/// What the response carries, without a look at whether it may be pooled.
eligibility body_of(const request_head& request,
                    const response_head& response) {
  if (response.status != 200 && response.status != 206)
    return ineligible::status;
  if (response.framing != body_framing::length || !response.content_length)
    return ineligible::unknown_length;
  if (response.status == 206)
    return part_of(request, response);
  if (!response.fields.has_token("Accept-Ranges", "bytes"))
    return ineligible::no_ranges;
  auto total = *response.content_length;
  return eligible{{0, total}, total, representation_of(response)};
}

std::optional<ineligible> check_privacy(const request_head& request,
                                        const response_head& response,
                                        const pool_policy& policy) {
  if (auto reason = withheld(request, policy))
    return reason;
  if (!policy.share_credentials && is_personal(response))
    return ineligible::personal_response;
  return std::nullopt;
}

} // namespace

std::string_view to_string(ineligible x) {
  switch (x) {
    case ineligible::disabled:
      return "pooling is off";
    case ineligible::never_host:
      return "host is one that peers never see";
    case ineligible::method:
      return "not a plain GET";
    case ineligible::range_form:
      return "not one range of bytes";
    case ineligible::status:
      return "status is neither 200 nor 206";
    case ineligible::content_range:
      return "not the range that was asked for";
    case ineligible::unknown_length:
      return "unknown length";
    case ineligible::no_ranges:
      return "origin offers no ranges";
    case ineligible::too_small:
      return "smaller than pool.min-size";
    case ineligible::no_validator:
      return "no usable validator";
    case ineligible::encoded:
      return "encoded without a strong entity tag";
    case ineligible::varies:
      return "varies by anything";
    case ineligible::credentials:
      return "request has credentials";
    case ineligible::secret_in_url:
      return "url has a secret";
    case ineligible::personal_response:
      return "response is personal";
  }
  return "unknown";
}

std::optional<ineligible> withheld(const request_head& request,
                                   const pool_policy& policy) {
  if (covers(policy.never_hosts, request.target.host, request.target.port))
    return ineligible::never_host;
  if (request.login != 0)
    return ineligible::credentials;
  if (policy.share_credentials)
    return std::nullopt;
  if (has_credentials(request))
    return ineligible::credentials;
  if (carries_secret(request.target))
    return ineligible::secret_in_url;
  return std::nullopt;
}

eligibility judge(const request_head& request, const response_head& response,
                  const pool_policy& policy) {
  if (!policy.enabled)
    return ineligible::disabled;
  if (covers(policy.never_hosts, request.target.host, request.target.port))
    return ineligible::never_host;
  if (request.method != "GET" || request.framing != body_framing::none)
    return ineligible::method;
  auto out = body_of(request, response);
  auto found = std::get_if<eligible>(&out);
  if (!found)
    return out;
  if (found->body.size() < policy.min_size || found->body.empty())
    return ineligible::too_small;
  if (!is_settled(found->version, response))
    return ineligible::no_validator;
  if (has_coding_without_strong_etag(found->version, response))
    return ineligible::encoded;
  if (response.fields.has_token("Vary", "*"))
    return ineligible::varies;
  if (auto reason = check_privacy(request, response, policy))
    return *reason;
  return out;
}

} // namespace peapod
