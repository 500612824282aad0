#include "core/http_date.hpp"

#include <string>

#define CAF_SUITE http_date
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono;

namespace {

constexpr auto example =
    sys_days{year{1994} / 11 / 6} + 8h + 49min + 37s; // RFC 9110, 5.6.7

bool is_refused(std::string_view text) {
  return !parse_http_date(text);
}

} // namespace

CAF_TEST(a date has three forms) {
  CAF_CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == example);
  CAF_CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == example);
  CAF_CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == example);
  CAF_CHECK(parse_http_date("Sun Nov 16 08:49:37 1994") == example + days{10});
  CAF_CHECK(parse_http_date("Friday, 01-Jan-27 00:00:00 GMT")
            == sys_seconds{sys_days{year{2027} / 1 / 1}});
}

CAF_TEST(leap days and leap seconds are there when they are) {
  CAF_CHECK(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT")
            == sys_seconds{sys_days{year{2024} / 2 / 29}});
  CAF_CHECK(is_refused("Wed, 29 Feb 2023 00:00:00 GMT"));
  CAF_CHECK(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT")
            == sys_seconds{sys_days{year{2017} / 1 / 1}});
}

CAF_TEST(anything else is no date) {
  for (auto text :
       {"", "120", "-1", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov +994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun Nov  6 08:49:37 1994 GMT"})
    CAF_CHECK(is_refused(text));
}

CAF_TEST(no beginning of a date is one) {
  std::string text{"Sun, 06 Nov 1994 08:49:37 GMT"};
  while (!text.empty()) {
    text.pop_back();
    CAF_CHECK(is_refused(text));
  }
}

CAF_TEST(dates are sent in the fixed form) {
  CAF_CHECK_EQUAL(format_http_date(example), "Sun, 06 Nov 1994 08:49:37 GMT");
  CAF_CHECK_EQUAL(format_http_date(sys_seconds{}),
                  "Thu, 01 Jan 1970 00:00:00 GMT");
  // Every day of 400 years, after which they come again, and each second.
  for (int i = 0; i < 146'097; ++i) {
    auto moment = sys_days{year{2000} / 1 / 1} + days{i} + seconds{i % 86'400};
    CAF_REQUIRE(parse_http_date(format_http_date(moment)) == moment);
  }
}

CAF_TEST(a text of the date follows the time) {
  http_date_text text;
  CAF_CHECK_EQUAL(text.at(sys_seconds{}), "Thu, 01 Jan 1970 00:00:00 GMT");
  auto first = text.at(example);
  CAF_CHECK_EQUAL(first, "Sun, 06 Nov 1994 08:49:37 GMT");
  CAF_CHECK(text.at(example).data() == first.data());
  CAF_CHECK_EQUAL(text.at(example + 1s), "Sun, 06 Nov 1994 08:49:38 GMT");
  // A clock may be set back.
  CAF_CHECK_EQUAL(text.at(example), "Sun, 06 Nov 1994 08:49:37 GMT");
}
