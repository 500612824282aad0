#include "core/http_message.hpp"

#define CAF_SUITE url
#include <caf/test/unit_test.hpp>

using namespace peapod;

CAF_TEST(user information that is not well formed makes no other host) {
  for (auto text : {"http://[::1]:@a.example/", "http://b.example\\@a.example/",
                    "http://b.example@b.example@a.example/", "http://\"@a/"})
    CAF_CHECK(!parse_url(text));
}

CAF_TEST(well formed user information is dropped) {
  auto x = parse_url("http://us-er:p%40ss!$&'()*+,;=:~@a.example/x");
  CAF_REQUIRE(x.has_value());
  CAF_CHECK_EQUAL(x->text(), "http://a.example/x");
  CAF_CHECK(x->has_userinfo);
}
