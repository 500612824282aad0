#include "hosts/common/control_access.hpp"

#define CAF_SUITE control_access
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

net::control_request get(std::string host) {
  net::control_request out{"GET", "/v1/status", ""};
  out.from.hosts = {std::move(host)};
  return out;
}

net::control_request post(std::string content_type) {
  auto out = get("peapod");
  out.method = "POST";
  out.target = "/v1/actors/1/kill";
  out.from.content_type = std::move(content_type);
  return out;
}

/// The status of the refusal; 200 when there is none.
unsigned status_of(const net::control_request& x) {
  auto refused = check_access(x);
  return refused ? refused->status : 200;
}

std::string verdict(const char* host) {
  return host + (" " + std::to_string(status_of(get(host))));
}

} // namespace

CAF_TEST(names and addresses of this machine may be asked for) {
  for (auto host : {"peapod", "PeaPod", "peapod:80", "localhost",
                    "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:9000",
                    "127.9.9.9", "[::1]", "[::1]:9000", "[0:0:0:0:0:0:0:1]"})
    CAF_CHECK_EQUAL(verdict(host), host + std::string{" 200"});
}

CAF_TEST(names that only lead to this machine may not ) {
  for (auto host : {"evil.example",
                    "evil.example:3128",
                    "localhost.evil.example",
                    "peapod.evil.example",
                    "127.0.0.1.evil.example",
                    "192.168.0.1",
                    "0.0.0.0",
                    "::1",
                    "[::1",
                    "[127.0.0.1]",
                    "[::ffff:127.0.0.1]",
                    "[::]",
                    "localhost:80:80",
                    "localhost:x",
                    "localhost:-1",
                    "localhost:123456",
                    "user@localhost",
                    "localhost.",
                    "127.1",
                    "2130706433",
                    "0x7f.0.0.1",
                    "peapod ",
                    " ",
                    "peapod, evil.example"})
    CAF_CHECK_EQUAL(verdict(host), host + std::string{" 403"});
}

CAF_TEST(a request has one host) {
  auto none = get("");
  none.from.hosts.clear();
  CAF_CHECK_EQUAL(status_of(none), 400u);
  auto two = get("peapod");
  two.from.hosts.push_back("peapod");
  CAF_CHECK_EQUAL(status_of(two), 400u);
  CAF_CHECK_EQUAL(status_of(get("")), 403u);
}

CAF_TEST(a host in the target counts as well) {
  auto x = get("peapod");
  x.target = "http://localhost/v1/status";
  CAF_CHECK_EQUAL(status_of(x), 200u);
  x.target = "http://evil.example/v1/status";
  CAF_CHECK_EQUAL(status_of(x), 403u);
  x.target = "http://evil.example?/v1/status";
  CAF_CHECK_EQUAL(status_of(x), 403u);
  x.target = "http://";
  CAF_CHECK_EQUAL(status_of(x), 403u);
}

CAF_TEST(pages of other origins are refused) {
  auto x = get("localhost:9000");
  for (auto origin : {"http://evil.example", "https://localhost:9000", "null",
                      "http://localhost", "http://localhost:9001", "",
                      "http://localhost:9000, http://evil.example"}) {
    x.from.origin = origin;
    CAF_CHECK_EQUAL(status_of(x), 403u);
  }
  x.from.origin = "http://localhost:9000";
  CAF_CHECK_EQUAL(status_of(x), 200u);
}

CAF_TEST(images and scripts of other pages are refused) {
  auto x = get("localhost:9000");
  for (auto site : {"cross-site", "same-site", "", "none, none"}) {
    x.from.fetch_site = site;
    CAF_CHECK_EQUAL(status_of(x), 403u);
  }
  for (auto site : {"same-origin", "none"}) {
    x.from.fetch_site = site;
    CAF_CHECK_EQUAL(status_of(x), 200u);
  }
}

CAF_TEST(what changes something is nothing that a form can send) {
  for (auto type : {"", "text/plain", "application/x-www-form-urlencoded",
                    "multipart/form-data; boundary=application/json",
                    "text/plain; application/json", "application/jsonx",
                    "application/json, text/plain"})
    CAF_CHECK_EQUAL(status_of(post(type)), 403u);
  for (auto type : {"application/json", "Application/JSON",
                    "application/json; charset=utf-8", "application/json ;x"})
    CAF_CHECK_EQUAL(status_of(post(type)), 200u);
}
