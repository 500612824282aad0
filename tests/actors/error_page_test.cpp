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

CAF_TEST(an upstream proxy that is not reached is not called the site) {
  for (auto code :
       {errc::dns_failed, errc::dns_unanswered, errc::connection_refused,
        errc::unreachable, errc::connect_timed_out, errc::io_failed}) {
    auto why = make_error(code, "proxy.test:3128: words");
    auto site = make_error_page(why, false);
    auto page = make_error_page(failure_at_upstream(why), false);
    CAF_CHECK(page.text.find("The upstream proxy cannot be reached.")
              != std::string::npos);
    CAF_CHECK(page.text.find("[wan] upstream") != std::string::npos);
    CAF_CHECK(page.text.find("proxy.test:3128: words") != std::string::npos);
    CAF_CHECK(page.text.find("site") == std::string::npos);
    // Programs are told as before what happened.
    CAF_CHECK_EQUAL(page.head.status, site.head.status);
    auto told = failure_told_by_proxy(page.head);
    CAF_CHECK(told->code == failure_told_by_proxy(site.head)->code);
    CAF_CHECK(failure_at_upstream(why).code == code);
  }
}

CAF_TEST(a line that is not there is named and not the site) {
  auto why = missing_line("wwan0");
  for (auto& x : {why, failure_at_upstream(why)}) {
    auto page = make_error_page(x, false);
    CAF_CHECK_EQUAL(page.head.status, 502u);
    CAF_CHECK(page.text.find("[wan] bind names wwan0, which is not there")
              != std::string::npos);
    CAF_CHECK(page.text.find("correct [wan] bind") != std::string::npos);
    CAF_CHECK(page.text.find("site") == std::string::npos);
    CAF_CHECK(page.head.fields.joined("Proxy-Status")
                  .find("error=proxy_configuration_error")
              != std::string::npos);
  }
}

CAF_TEST(an upstream proxy that must not be reached is told as such) {
  auto page = make_error_page(
      failure_at_upstream(make_error(errc::loop_detected, "here")), false);
  CAF_CHECK(page.text.find("would come back") != std::string::npos);
  CAF_CHECK(page.text.find("PeaPod: upstream proxy here") != std::string::npos);
}

CAF_TEST(a name that is not answered for may be the fault of either side) {
  // A failure of the name server looks like none that can be reached.
  auto page =
      make_error_page(make_error(errc::dns_unanswered, "a.test"), false);
  CAF_CHECK_EQUAL(page.head.status, 504u);
  CAF_CHECK(page.text.find("has no answer for this name now, or none can be "
                           "reached")
            != std::string::npos);
  CAF_CHECK_EQUAL(to_string(make_error(errc::dns_unanswered, "a.test")),
                  "name resolution failed for now: a.test");
  CAF_CHECK(page.text.find("If other sites work") != std::string::npos);
  CAF_CHECK(page.text.find("internet connection") != std::string::npos);
}
