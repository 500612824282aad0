#include "hosts/common/control_routes.hpp"

#include "core/http_message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace peapod {

namespace {

// -- the table ----------------------------------------------------------------

/// A path, in which `#` stands for an actor's number and `*` for a device.
struct route_pattern {
  std::string_view path;
  control_route route;
  bool is_post = false;
};

constexpr std::array<route_pattern, 16> patterns{{
    {"v1/status", control_route::status},
    {"v1/peers", control_route::peers},
    {"v1/peers/*/trust", control_route::trust, true},
    {"v1/peers/*/untrust", control_route::untrust, true},
    {"v1/transfers", control_route::transfers},
    {"v1/actors", control_route::actors},
    {"v1/actors/#", control_route::actor},
    {"v1/actors/#/kill", control_route::kill, true},
    {"v1/actors/#/restart", control_route::restart, true},
    {"v1/actors/#/fault", control_route::fault, true},
    {"v1/tree", control_route::tree},
    {"v1/crashes", control_route::crashes},
    {"v1/events", control_route::events},
    {"v1/trace", control_route::trace},
    {"v1/pod", control_route::pod},
    {"metrics", control_route::metrics},
}};

// -- text ---------------------------------------------------------------------

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (size_t begin = 0; begin <= text.size();) {
    auto end = std::min(text.find(separator, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// Digits alone, without needless zeros: each number has one text.
std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t out = 0;
  auto* end = text.data() + text.size();
  auto [rest, ec] = std::from_chars(text.data(), end, out);
  bool needless = text.size() > 1 && text.front() == '0';
  if (ec != std::errc{} || rest != end || needless)
    return std::nullopt;
  return out;
}

// -- the path -----------------------------------------------------------------

/// The path's segments, or nothing when an escape is malformed.
std::optional<std::vector<std::string>> segments_of(std::string_view path) {
  std::vector<std::string> out;
  for (auto part : split(path, '/')) {
    auto text = percent_decoded(part);
    if (!text)
      return std::nullopt;
    out.push_back(std::move(*text));
  }
  return out;
}

bool matches(const route_pattern& x, const std::vector<std::string>& path) {
  return std::ranges::equal(
      split(x.path, '/'), path, [](auto want, auto& have) {
        return want == "#" || want == "*" ? !have.empty() : want == have;
      });
}

or_refusal<control_call> parse_path(std::string_view method,
                                    std::string_view path) {
  auto segments = segments_of(path);
  if (!segments)
    return bad_request("the path has a malformed escape");
  auto found = std::ranges::find_if(
      patterns, [&](auto& x) { return matches(x, *segments); });
  if (found == patterns.end())
    return control_refusal{404, "there is no such resource"};
  bool is_get = method == "GET" || method == "HEAD";
  if (found->is_post ? method != "POST" : !is_get)
    return control_refusal{405, found->is_post ? "use POST" : "use GET",
                           found->is_post ? "POST" : "GET, HEAD"};
  control_call out{found->route, 0, std::nullopt, {}};
  if (found->path.find('*') != std::string_view::npos)
    out.who = (*segments)[2];
  if (found->path.find('#') == std::string_view::npos)
    return out;
  auto number = parse_number((*segments)[2]);
  if (!number)
    return bad_request("an actor is named by its number, as in /v1/actors/12");
  out.actor = *number;
  return out;
}

// -- the query ----------------------------------------------------------------

struct parameter {
  std::string name;
  std::string value;
};

or_refusal<std::vector<parameter>> parse_query(std::string_view query) {
  std::vector<parameter> out;
  for (auto part : split(query, '&')) {
    if (part.empty())
      continue;
    auto equals = std::min(part.find('='), part.size());
    auto name = percent_decoded(part.substr(0, equals));
    auto value =
        percent_decoded(part.substr(std::min(equals + 1, part.size())));
    if (!name || !value)
      return bad_request("the query has a malformed escape");
    for (auto& x : out)
      if (x.name == *name)
        return bad_request("a parameter stands twice in the query");
    out.push_back({std::move(*name), std::move(*value)});
  }
  return out;
}

/// The one parameter that this resource knows; others are mistakes.
or_refusal<std::optional<uint64_t>>
number_in(const std::vector<parameter>& query, std::string_view name) {
  std::optional<uint64_t> out;
  for (auto& x : query) {
    if (x.name != name)
      return bad_request(name.empty()
                             ? "this resource takes no parameters"
                             : "this resource takes only the parameter "
                                   + std::string{name});
    out = parse_number(x.value);
    if (!out)
      return bad_request("the parameter " + std::string{name}
                         + " must be a whole number");
  }
  return out;
}

std::string_view parameter_of(control_route route) {
  switch (route) {
    case control_route::events:
      return "since";
    case control_route::trace:
      return "actor";
    default:
      return {};
  }
}

or_refusal<control_call> with_query(control_call call, std::string_view query,
                                    std::string_view last_event_id) {
  auto parameters = parse_query(query);
  if (!parameters)
    return parameters.error();
  auto number = number_in(*parameters, parameter_of(call.route));
  if (!number)
    return number.error();
  if (call.route == control_route::trace) {
    if (!*number)
      return bad_request("which actor? as in /v1/trace?actor=12");
    call.actor = **number;
  }
  if (call.route != control_route::events)
    return call;
  call.since = *number;
  if (last_event_id.empty())
    return call;
  call.since = parse_number(last_event_id);
  if (!call.since)
    return bad_request("Last-Event-ID must be the number of an event");
  return call;
}

} // namespace

std::string trust_target(std::string_view who, bool trusted) {
  std::string out = "/v1/peers/";
  for (unsigned char c : who) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                 || (c >= '0' && c <= '9') || c == '-' || c == '_';
    out += plain ? std::string(1, static_cast<char>(c))
                 : "%" + to_hex(std::span{&c, 1});
  }
  return out + (trusted ? "/trust" : "/untrust");
}

or_refusal<control_call> parse_call(std::string_view method,
                                    std::string_view target,
                                    std::string_view last_event_id) {
  // A client may name the server in the target (RFC 9112, 3.2.2).
  constexpr std::string_view scheme = "http://";
  if (target.starts_with(scheme))
    target.remove_prefix(
        std::min(target.find('/', scheme.size()), target.size()));
  auto mark = std::min(target.find('?'), target.size());
  auto path = target.substr(0, mark);
  if (!path.starts_with('/'))
    return control_refusal{404, "there is no such resource"};
  auto call = parse_path(method, path.substr(1));
  if (!call)
    return call.error();
  return with_query(*call, target.substr(std::min(mark + 1, target.size())),
                    last_event_id);
}

} // namespace peapod
