#define CAF_SUITE user_info

#include "hosts/get/user_info.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

std::string authorization(const std::string& text) {
  auto out = take_user_info(text);
  return out ? out->authorization : "!" + out.error().detail;
}

std::string rest(const std::string& text) {
  auto out = take_user_info(text);
  return out ? out->text : "!" + out.error().detail;
}

} // namespace

CAF_TEST(user and password leave the URL) {
  CAF_CHECK_EQUAL(rest("https://u:p@a.test/x"), "https://a.test/x");
  CAF_CHECK_EQUAL(rest("https://a.test:1/x?y"), "https://a.test:1/x?y");
  // RFC 7617, 2.
  CAF_CHECK_EQUAL(authorization("https://Aladdin:open%20sesame@a.test/"),
                  "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CAF_CHECK_EQUAL(authorization("https://u@a.test/"), "Basic dTo=");
  CAF_CHECK_EQUAL(authorization("https://u:a%3ab:c@a.test/"),
                  "Basic dTphOmI6Yw==");
  CAF_CHECK_EQUAL(authorization("https://a.test/"), "");
}

CAF_TEST(an at sign elsewhere is none of it) {
  for (std::string text : {"https://a.test/@b", "https://a.test?x=u:p@b",
                           "https://a.test#u:p@b"}) {
    CAF_CHECK_EQUAL(rest(text), text);
    CAF_CHECK_EQUAL(authorization(text), "");
  }
  CAF_CHECK_EQUAL(rest("https://u:p@b@a.test/"), "https://a.test/");
}

CAF_TEST(what is wrong is said without the secret) {
  for (std::string text :
       {"https://:secret@a.test/", "https://u:secret%0a@a.test/",
        "https://u%3a:secret@a.test/", "https://u:secret%zz@a.test/",
        "https://u%00:secret@a.test/"}) {
    auto out = authorization(text);
    CAF_CHECK(out.starts_with("!https://a.test/: "));
    CAF_CHECK(out.find("secret") == std::string::npos);
  }
}
