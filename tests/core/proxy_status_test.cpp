#define CAF_SUITE proxy_status

#include "core/proxy_status.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

response_head answer(unsigned status, std::string value) {
  response_head out;
  out.status = status;
  out.fields.add("Proxy-Status", std::move(value));
  return out;
}

} // namespace

CAF_TEST(only the member of a PeaPod counts) {
  auto told = parse_proxy_status(
      "\"cache 1\"; error=dns_timeout , PeaPod;next-hop=a ; error=dns_error; "
      "flag;details=\"x, y; z\"");
  CAF_CHECK(told == make_error(errc::dns_failed, "x, y; z"));
  CAF_CHECK(!parse_proxy_status("squid; error=dns_error"));
  CAF_CHECK(!parse_proxy_status("PeaPod; received-status=200"));
}

CAF_TEST(what is malformed says nothing) {
  for (auto* text :
       {"", " ", ",", "PeaPod;", "PeaPod; error=", "PeaPod; error=dns_error,",
        "PeaPod; error=dns_error x", "PeaPod; error=dns_error\x01",
        "PeaPod; error=dns_error; details=\"x",
        "PeaPod; error=dns_error; details=\"\\x\"", "=PeaPod; error=dns_error",
        "PeaPod; error=dns_error; details=\"\x01\""})
    CAF_CHECK(!parse_proxy_status(text));
}

CAF_TEST(a success is none whatever stands beside it) {
  CAF_CHECK(!failure_told_by_proxy(answer(200, "PeaPod; error=dns_error")));
  CAF_CHECK(!failure_told_by_proxy(answer(502, "")));
  CAF_CHECK(failure_told_by_proxy(answer(502, "PeaPod; error=dns_error")));
}

CAF_TEST(a tunnel that never was has carried nothing) {
  auto refused = make_error(errc::dns_failed, "a.test");
  CAF_CHECK(as_tunnel_failure(refused) == refused);
  for (auto code : {errc::connection_closed, errc::timed_out, errc::bad_http,
                    errc::certificate_refused})
    CAF_CHECK(as_tunnel_failure(make_error(code, "words"))
              == make_error(errc::upstream_refused, "words"));
}
