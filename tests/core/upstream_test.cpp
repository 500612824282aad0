#include "core/upstream.hpp"

#define CAF_SUITE upstream
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

upstream_route route(std::initializer_list<const char*> except) {
  upstream_route out;
  out.proxy = parse_upstream("http://proxy.example:3128").value();
  for (auto text : except)
    out.except.push_back(parse_host_pattern(text).value());
  return out;
}

/// The authorization of a proxy's URL, or its error.
std::string secret(std::string_view text) {
  auto x = parse_upstream(text);
  return x ? x->authorization : "error: " + x.error().detail;
}

} // namespace

CAF_TEST(a proxy is a host and a port) {
  auto x = parse_upstream("http://Proxy.Example:3128");
  CAF_REQUIRE(x.has_value());
  CAF_CHECK_EQUAL(x->host, "proxy.example");
  CAF_CHECK_EQUAL(x->port, 3128u);
  CAF_CHECK_EQUAL(x->authorization, "");
  auto v6 = parse_upstream("HTTP://[::1]:80/");
  CAF_REQUIRE(v6.has_value());
  CAF_CHECK_EQUAL(v6->host, "::1");
}

CAF_TEST(user and password become basic credentials) {
  // The example of RFC 7617, 2.
  CAF_CHECK_EQUAL(secret("http://Aladdin:open%20sesame@a:1"),
                  "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CAF_CHECK_EQUAL(secret("http://a:b@h:1"), "Basic YTpi");
  CAF_CHECK_EQUAL(secret("http://a@h:1"), "Basic YTo=");
  CAF_CHECK_EQUAL(secret("http://u:p%40ss@h:1"), "Basic dTpwQHNz");
  CAF_CHECK_EQUAL(secret("http://u:p@ss@h:1"), "Basic dTpwQHNz");
}

CAF_TEST(what is no http proxy is refused without repeating it) {
  for (auto text : {"", "proxy.example:3128", "https://u:sesame@p.example:1",
                    "socks5://u:sesame@p:1", "http://u:sesame@p.example",
                    "http://u:sesame@", "http://u:sesame@p:0",
                    "http://u:sesame@p:99999", "http://u:sesame@p:1/path",
                    "http://u:sesame%zz@p:1", "http://u:sesame%0a@p:1",
                    "http://u%3av:sesame@p:1", "http://u:sesame@p q:1"}) {
    auto x = parse_upstream(text);
    CAF_REQUIRE(!x.has_value());
    CAF_CHECK(x.error().code == errc::bad_config);
    CAF_CHECK(!x.error().detail.empty());
    CAF_CHECK_EQUAL(x.error().detail.find("sesame"), std::string::npos);
  }
}

CAF_TEST(without a proxy everything is direct) {
  CAF_CHECK(upstream_route{}.to("a.example", 80) == nullptr);
}

CAF_TEST(this machine is always reached directly) {
  auto x = route({});
  CAF_CHECK(x.to("a.example", 80) != nullptr);
  for (auto host : {"localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "::1",
                    "localhost."})
    CAF_CHECK(x.to(host, 80) == nullptr);
  CAF_CHECK(x.to("notlocalhost", 80) != nullptr);
  CAF_CHECK(x.to("127.0.0.1.example", 80) != nullptr);
}

CAF_TEST(a name means what is below it as well) {
  for (auto text :
       {"corp.example", ".corp.example", "*.corp.example", "CORP.example."}) {
    auto x = route({text});
    CAF_CHECK(x.to("corp.example", 80) == nullptr);
    CAF_CHECK(x.to("www.corp.example", 443) == nullptr);
    CAF_CHECK(x.to("www.corp.example.", 443) == nullptr);
    CAF_CHECK(x.to("notcorp.example", 80) != nullptr);
    CAF_CHECK(x.to("corp.example.org", 80) != nullptr);
  }
}

CAF_TEST(a port limits an entry) {
  auto x = route({"a.example:8080", "[fd00::1]:80", "10.0.0.1:81"});
  CAF_CHECK(x.to("a.example", 8080) == nullptr);
  CAF_CHECK(x.to("a.example", 80) != nullptr);
  CAF_CHECK(x.to("fd00::1", 80) == nullptr);
  CAF_CHECK(x.to("fd00::1", 81) != nullptr);
  CAF_CHECK(x.to("10.0.0.1", 81) == nullptr);
}

CAF_TEST(networks are compared with addresses alone) {
  auto x = route({"10.0.0.0/8", "fd00::/8", "192.0.2.7"});
  CAF_CHECK(x.to("10.1.2.3", 80) == nullptr);
  CAF_CHECK(x.to("11.1.2.3", 80) != nullptr);
  CAF_CHECK(x.to("fd12::3", 80) == nullptr);
  CAF_CHECK(x.to("192.0.2.7", 80) == nullptr);
  CAF_CHECK(x.to("192.0.2.70", 80) != nullptr);
  CAF_CHECK(route({"192.0.2.7.."}).to("192.0.2.7", 80) == nullptr);
  CAF_CHECK(x.to("a10.1.2.3.example", 80) != nullptr);
}

CAF_TEST(this machine itself goes through a proxy only where that is meant) {
  auto x = route({});
  CAF_CHECK(x.to("localhost", 80) == nullptr);
  x.always = true;
  CAF_CHECK(x.to("localhost", 80) != nullptr);
  CAF_CHECK(x.to("127.0.0.1", 80) != nullptr);
}

CAF_TEST(a star means everything) {
  CAF_CHECK(route({"*"}).to("a.example", 80) == nullptr);
}

CAF_TEST(entries that mean nothing are refused) {
  for (auto text :
       {"", ".", "a b", "10.0.0.0/99", "http://a", "a:b", "[::1", "a/8", "**"})
    CAF_CHECK(!parse_host_pattern(text));
}
