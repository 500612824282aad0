#define CAF_SUITE error_page

#include "actors/error_page.hpp"

#include "core/proxy_status.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

CAF_TEST(what our pages say is understood) {
  for (auto code :
       {errc::dns_failed, errc::dns_unanswered, errc::connection_refused,
        errc::unreachable, errc::connect_timed_out, errc::timed_out,
        errc::connection_closed, errc::certificate_refused, errc::tls_failed,
        errc::bad_http, errc::policy_refused, errc::loop_detected,
        errc::upstream_refused}) {
    auto why = make_error(code, "a.test:1: \"quoted\" \\ words");
    auto told = failure_told_by_proxy(make_error_page(why, false).head);
    CAF_REQUIRE(told);
    CAF_CHECK(*told == why);
  }
}

CAF_TEST(what speaks of the proxy itself is its refusal) {
  for (auto code : {errc::limit_reached, errc::internal, errc::io_failed}) {
    auto page = make_error_page(make_error(code, "words"), false);
    CAF_CHECK(failure_told_by_proxy(page.head)
              == make_error(errc::upstream_refused, "words"));
  }
}
