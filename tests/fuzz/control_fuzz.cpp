// A request line is a call that can be written and read again, or a refusal
// with a sentence; a fault is within its bounds, and compared words can be
// written and read again.
//
// Zero bytes separate the method, the target, the field Last-Event-ID, the body
// and the fields Host, Origin, Sec-Fetch-Site and Content-Type.

#include "core/http_message.hpp"
#include "hosts/common/control_access.hpp"
#include "hosts/common/control_routes.hpp"
#include "tests/fuzz/check.hpp"

#include <array>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

void check_refusal(const control_refusal& x) {
  check(x.status == 400 || x.status == 404 || x.status == 405,
        "another status");
  check(!x.sentence.empty(), "a refusal without a sentence");
  check((x.status == 405) == !x.allow.empty(), "Allow is for 405");
}

/// The target that means `x`, in its shortest form.
std::string target_of(const control_call& x) {
  auto actor = "/v1/actors/" + std::to_string(x.actor);
  switch (x.route) {
    case control_route::status:
      return "/v1/status";
    case control_route::peers:
      return "/v1/peers";
    case control_route::trust:
    case control_route::untrust:
      return trust_target(x.who, x.route == control_route::trust);
    case control_route::transfers:
      return "/v1/transfers";
    case control_route::actors:
      return "/v1/actors";
    case control_route::actor:
      return actor;
    case control_route::kill:
      return actor + "/kill";
    case control_route::restart:
      return actor + "/restart";
    case control_route::fault:
      return actor + "/fault";
    case control_route::tree:
      return "/v1/tree";
    case control_route::crashes:
      return "/v1/crashes";
    case control_route::events:
      return x.since ? "/v1/events?since=" + std::to_string(*x.since)
                     : "/v1/events";
    case control_route::trace:
      return "/v1/trace?actor=" + std::to_string(x.actor);
    case control_route::pod:
      return "/v1/pod";
    case control_route::metrics:
      return "/metrics";
  }
  return {};
}

void check_call(std::string_view method, std::string_view target,
                std::string_view last_event_id) {
  auto x = parse_call(method, target, last_event_id);
  if (!x)
    return check_refusal(x.error());
  check(method == "GET" || method == "HEAD" || method == "POST",
        "another method");
  auto again = parse_call(method, target_of(*x));
  check(again && *again == *x, "a call changes when it is written");
}

void check_fault(std::string_view body) {
  auto x = parse_fault(body);
  if (!x)
    return check_refusal(x.error());
  check(x->every >= 1 && x->times >= 1, "a count of nothing");
  check(x->delay >= 0s && x->delay <= 60s, "a delay out of bounds");
}

void check_words(std::string_view body) {
  auto x = parse_trust_body(body);
  if (!x)
    return check_refusal(x.error());
  auto again = parse_trust_body(trust_body(*x));
  check(again && *again == *x, "words change when they are written");
}

void check_source(const net::control_request& x) {
  auto refused = check_access(x);
  if (refused) {
    check(refused->status == 400 || refused->status == 403, "another status");
    return check(!refused->sentence.empty(), "a refusal without a sentence");
  }
  auto& from = x.from;
  check(from.hosts.size() == 1, "not one host");
  check(
      !from.origin
          || equal_ignoring_case(*from.origin, "http://" + from.hosts.front()),
      "the page of another origin");
  check(!from.fetch_site || *from.fetch_site == "same-origin"
            || *from.fetch_site == "none",
        "a request of another site");
  check(x.method != "POST" || from.content_type.size() >= 16,
        "what a form can send");
}

/// An empty field is none.
std::optional<std::string> field(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional{std::string{text}};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  std::array<std::string_view, 8> parts;
  for (auto& part : parts) {
    part = in.substr(0, in.find('\0'));
    in.remove_prefix(std::min(part.size() + 1, in.size()));
  }
  check_call(parts[0], parts[1], parts[2]);
  check_fault(parts[3]);
  check_words(parts[3]);
  net::control_request from_somebody{std::string{parts[0]},
                                     std::string{parts[1]}, ""};
  from_somebody.from = {{std::string{parts[4]}},
                        field(parts[5]),
                        field(parts[6]),
                        std::string{parts[7]}};
  check_source(from_somebody);
  return 0;
}
