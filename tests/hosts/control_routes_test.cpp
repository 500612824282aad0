#include "hosts/common/control_routes.hpp"

#define CAF_SUITE control_routes
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

using route = control_route;

/// Whether `method target` asks for this.
bool asks(std::string_view method, std::string_view target, control_call want) {
  auto call = parse_call(method, target);
  return call && *call == want;
}

/// The status that a request line is refused with; 200 when it is not.
unsigned refusal(std::string_view method, std::string_view target,
                 std::string_view last_event_id = {}) {
  auto call = parse_call(method, target, last_event_id);
  CAF_CHECK(call || !call.error().sentence.empty());
  return call ? 200 : call.error().status;
}

std::optional<fault> read(std::string_view body) {
  auto x = parse_fault(body);
  CAF_CHECK(x || x.error().status == 400);
  return x ? std::optional<fault>{*x} : std::nullopt;
}

std::string complaint(std::string_view body) {
  auto x = parse_fault(body);
  return x ? "none" : x.error().sentence;
}

} // namespace

CAF_TEST(every resource has its path and method) {
  CAF_CHECK(asks("GET", "/v1/status", {route::status}));
  CAF_CHECK(asks("GET", "/v1/peers", {route::peers}));
  CAF_CHECK(
      asks("POST", "/v1/peers/phone/trust", {route::trust, 0, {}, "phone"}));
  CAF_CHECK(
      asks("POST", "/v1/peers/a1b2/untrust", {route::untrust, 0, {}, "a1b2"}));
  CAF_CHECK(asks("GET", "/v1/transfers", {route::transfers}));
  CAF_CHECK(asks("GET", "/v1/actors", {route::actors}));
  CAF_CHECK(asks("GET", "/v1/actors/12", {route::actor, 12}));
  CAF_CHECK(asks("POST", "/v1/actors/12/kill", {route::kill, 12}));
  CAF_CHECK(asks("POST", "/v1/actors/12/restart", {route::restart, 12}));
  CAF_CHECK(asks("POST", "/v1/actors/12/fault", {route::fault, 12}));
  CAF_CHECK(asks("GET", "/v1/tree", {route::tree}));
  CAF_CHECK(asks("GET", "/v1/crashes", {route::crashes}));
  CAF_CHECK(asks("GET", "/v1/events", {route::events}));
  CAF_CHECK(asks("GET", "/v1/events?since=0", {route::events, 0, 0}));
  CAF_CHECK(asks("GET", "/v1/trace?actor=7", {route::trace, 7}));
  CAF_CHECK(asks("GET", "/v1/pod", {route::pod}));
  CAF_CHECK(asks("GET", "/metrics", {route::metrics}));
}

CAF_TEST(a head is asked for like what it is of) {
  CAF_CHECK(asks("HEAD", "/v1/status", {route::status}));
  CAF_CHECK_EQUAL(refusal("HEAD", "/v1/actors/1/kill"), 405u);
}

CAF_TEST(escapes and the name of the server mean what they stand for) {
  CAF_CHECK(asks("GET", "/v1/%61ctors/%31%32", {route::actor, 12}));
  CAF_CHECK(asks("GET", "/v1/trace?%61ctor=%37", {route::trace, 7}));
  CAF_CHECK(asks("GET", "http://peapod/v1/status", {route::status}));
  CAF_CHECK(asks("GET", "/v1/status?", {route::status}));
  CAF_CHECK(asks("GET", "/v1/events?&since=3&", {route::events, 0, 3}));
}

CAF_TEST(a device is named by any text) {
  CAF_CHECK(asks("POST", "/v1/peers/living%20room%2F2/trust",
                 {route::trust, 0, {}, "living room/2"}));
  for (std::string name : {"phone", "a/b?c#d%20e", "K\u00fcche", "..", "%"}) {
    CAF_CHECK(
        asks("POST", trust_target(name, true), {route::trust, 0, {}, name}));
    CAF_CHECK(
        asks("POST", trust_target(name, false), {route::untrust, 0, {}, name}));
  }
  CAF_CHECK_EQUAL(trust_target("a b", true), "/v1/peers/a%20b/trust");
  CAF_CHECK_EQUAL(refusal("POST", "/v1/peers//trust"), 404u);
  CAF_CHECK_EQUAL(refusal("POST", "/v1/peers/phone"), 404u);
  CAF_CHECK_EQUAL(refusal("GET", "/v1/peers/phone/trust"), 405u);
  CAF_CHECK_EQUAL(refusal("POST", "/v1/peers/a%2/trust"), 400u);
  CAF_CHECK_EQUAL(refusal("POST", "/v1/peers/phone/trust?now=1"), 400u);
}

CAF_TEST(an unknown path is not found whatever the method is) {
  for (auto path : {"", "/", "*", "/v1", "/v1/", "/v2/status", "/v1/status/",
                    "//v1/status", "/v1/Status", "/v1/actors/", "/v1%2Fstatus",
                    "/v1/actors/1/kill/2", "/v1/actors/1/pause", "/v1/status#x",
                    "/v1/status%00", "http://peapod", "peapod/v1/status"}) {
    CAF_CHECK_EQUAL(refusal("GET", path), 404u);
    CAF_CHECK_EQUAL(refusal("POST", path), 404u);
  }
}

CAF_TEST(a wrong method is told which one is right) {
  for (auto method : {"POST", "PUT", "DELETE", "OPTIONS", "get", ""}) {
    auto call = parse_call(method, "/v1/status");
    CAF_REQUIRE(!call);
    CAF_CHECK_EQUAL(call.error().status, 405u);
    CAF_CHECK_EQUAL(call.error().allow, "GET, HEAD");
  }
  auto call = parse_call("GET", "/v1/actors/x/kill");
  CAF_REQUIRE(!call);
  CAF_CHECK_EQUAL(call.error().status, 405u);
  CAF_CHECK_EQUAL(call.error().allow, "POST");
}

CAF_TEST(a number is digits and nothing else) {
  for (auto text : {"x", "-1", "+1", "1.0", "1e3", "01", " 1", "1 ", "0x1",
                    "%201", "18446744073709551616", "%EF%BC%91"}) {
    CAF_CHECK_EQUAL(refusal("GET", "/v1/actors/" + std::string{text}), 400u);
    CAF_CHECK_EQUAL(
        refusal("POST", "/v1/actors/" + std::string{text} + "/kill"), 400u);
    CAF_CHECK_EQUAL(refusal("GET", "/v1/events?since=" + std::string{text}),
                    400u);
    CAF_CHECK_EQUAL(refusal("GET", "/v1/events", text), 400u);
  }
  CAF_CHECK(asks("GET", "/v1/actors/0", {route::actor, 0}));
  CAF_CHECK(asks("GET", "/v1/actors/18446744073709551615",
                 {route::actor, UINT64_MAX}));
}

CAF_TEST(parameters that are unknown or missing or doubled are refused) {
  CAF_CHECK_EQUAL(refusal("GET", "/v1/status?x=1"), 400u);
  CAF_CHECK_EQUAL(refusal("POST", "/v1/actors/1/kill?force=1"), 400u);
  CAF_CHECK_EQUAL(refusal("GET", "/v1/events?actor=1"), 400u);
  CAF_CHECK_EQUAL(refusal("GET", "/v1/events?since"), 400u);
  CAF_CHECK_EQUAL(refusal("GET", "/v1/events?since=1&since=1"), 400u);
  CAF_CHECK_EQUAL(refusal("GET", "/v1/trace"), 400u);
  CAF_CHECK_EQUAL(refusal("GET", "/v1/trace?actor="), 400u);
}

CAF_TEST(a malformed escape is refused) {
  for (auto text : {"%", "%4", "%zz", "%4g"}) {
    CAF_CHECK_EQUAL(refusal("GET", "/v1/" + std::string{text}), 400u);
    CAF_CHECK_EQUAL(refusal("GET", "/v1/events?since=" + std::string{text}),
                    400u);
    CAF_CHECK_EQUAL(refusal("GET", "/v1/events?" + std::string{text}), 400u);
  }
}

CAF_TEST(a client that comes back goes on where it was) {
  auto call = parse_call("GET", "/v1/events?since=0", "41");
  CAF_REQUIRE(call);
  CAF_CHECK(call->since == 41u);
  CAF_CHECK_EQUAL(refusal("GET", "/v1/status", "nonsense"), 200u);
}

// -- faults -------------------------------------------------------------------

CAF_TEST(a fault has defaults) {
  auto x = read(R"({"action":"crash"})");
  CAF_REQUIRE(x);
  CAF_CHECK(x->what == fault::kind::crash);
  CAF_CHECK_EQUAL(x->every, 1u);
  CAF_CHECK_EQUAL(x->times, 1u);
  CAF_CHECK(x->delay == 100ms);
}

CAF_TEST(every action and number of a fault is understood) {
  auto x = read(R"({"action":"delay","every":3,"times":20,"delay":0.25})");
  CAF_REQUIRE(x);
  CAF_CHECK(x->what == fault::kind::delay);
  CAF_CHECK_EQUAL(x->every, 3u);
  CAF_CHECK_EQUAL(x->times, 20u);
  CAF_CHECK(x->delay == 250ms);
  CAF_CHECK(read(R"({"action":"drop"})")->what == fault::kind::drop);
  CAF_CHECK(read(R"({"action":"duplicate"})")->what == fault::kind::duplicate);
  CAF_CHECK(read(R"({"action":"hang"})")->what == fault::kind::hang);
  CAF_CHECK(read(R"({"action":"clear"})")->what == fault::kind::none);
  CAF_CHECK(read(R"( {"action":"delay","delay":60} )")->delay == 60s);
  CAF_CHECK(read(R"({"action":"delay","delay":0})")->delay == 0s);
}

CAF_TEST(a fault that is not as described is refused with what is wrong) {
  for (auto body : {"",
                    "null",
                    "[]",
                    "\"crash\"",
                    "{",
                    "{\"action\":\"crash\"} x",
                    "{}",
                    "{\"action\":\"Crash\"}",
                    "{\"action\":1}",
                    "{\"action\":null}",
                    "{\"action\":\"crash\",\"every\":0}",
                    "{\"action\":\"crash\",\"every\":1.5}",
                    "{\"action\":\"crash\",\"every\":2.0}",
                    "{\"action\":\"crash\",\"every\":\"2\"}",
                    "{\"action\":\"crash\",\"times\":-1}",
                    "{\"action\":\"crash\",\"times\":99999999999999999999}",
                    "{\"action\":\"delay\",\"delay\":60.1}",
                    "{\"action\":\"delay\",\"delay\":-0.1}",
                    "{\"action\":\"delay\",\"delay\":1e999}",
                    "{\"action\":\"delay\",\"delay\":\"1\"}",
                    "{\"action\":\"crash\",\"when\":1}",
                    "{\"action\":\"cr\xff\"}"})
    CAF_CHECK(!read(body));
  CAF_CHECK_EQUAL(complaint(R"({"action":"crash","every":0})"),
                  "every must be a whole number of at least 1");
  CAF_CHECK_EQUAL(
      complaint(R"({"action":"stop"})"),
      "action must be crash, drop, delay, duplicate, hang or clear");
}
