#define CAF_SUITE cookie_jar

#include "hosts/get/cookie_jar.hpp"

#include "hosts/common/site_lookup.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using std::chrono::seconds;

namespace {

constexpr seconds now{1'000'000};

cookie_jar jar_of(std::string_view text) {
  auto out = cookie_jar::parse(text);
  return out ? std::move(*out) : cookie_jar{};
}

std::string sent(const cookie_jar& jar, std::string_view to) {
  return jar.header_for(*parse_url(to), now);
}

std::string after(std::string_view from, std::string_view set_cookie,
                  std::string_view to) {
  cookie_jar jar;
  jar.store(*parse_url(from), set_cookie, now);
  return sent(jar, to);
}

} // namespace

CAF_TEST(cookies go where they belong) {
  auto jar = jar_of("# Netscape HTTP Cookie File\n"
                    "a.test\tFALSE\t/\tFALSE\t0\thost\t1\n"
                    ".b.test\tTRUE\t/dir\tTRUE\t2000000\tdeep\t2\r\n"
                    "#HttpOnly_a.test\tFALSE\t/x\tFALSE\t0\thidden\t3\n"
                    "a.test\tFALSE\t/\tFALSE\t999\told\t4\n");
  CAF_CHECK_EQUAL(jar.size(), 4u);
  CAF_CHECK_EQUAL(sent(jar, "http://a.test/"), "host=1");
  CAF_CHECK_EQUAL(sent(jar, "http://a.test/x/y?q"), "hidden=3; host=1");
  CAF_CHECK_EQUAL(sent(jar, "http://a.test/xy"), "host=1");
  CAF_CHECK_EQUAL(sent(jar, "http://sub.a.test/"), "");
  CAF_CHECK_EQUAL(sent(jar, "https://sub.b.test/dir"), "deep=2");
  CAF_CHECK_EQUAL(sent(jar, "http://sub.b.test/dir"), "");
  CAF_CHECK_EQUAL(sent(jar, "https://notb.test/dir"), "");
}

CAF_TEST(lines that are no cookies are told by their number) {
  for (auto line :
       {"a.test\tFALSE\t/\tFALSE\t0\tname", "a.test", "a b c d e f",
        "a.test\tmaybe\t/\tFALSE\t0\tn\tv", "a.test\tFALSE\tx\tFALSE\t0\tn\tv",
        "a.test\tFALSE\t/\tFALSE\tsoon\tn\tv",
        "a.test\tFALSE\t/\tFALSE\t0\tn\tv\tw",
        "a.test\tFALSE\t/\tFALSE\t0\tn\tv;w"}) {
    auto out = cookie_jar::parse(std::string{"\n"} + line + "\n");
    CAF_REQUIRE(!out);
    auto words = out.error().detail;
    CAF_CHECK(words.starts_with("line 2 "));
  }
}

CAF_TEST(servers set cookies for themselves) {
  CAF_CHECK_EQUAL(after("https://a.test/d/e", "n=v; Path=/", "https://a.test/"),
                  "n=v");
  CAF_CHECK_EQUAL(after("https://a.test/d/e", "n=v", "https://a.test/d/f"),
                  "n=v");
  CAF_CHECK_EQUAL(after("https://a.test/d/e", "n=v", "https://a.test/"), "");
  CAF_CHECK_EQUAL(after("https://a.b.test/", "n=v; Domain=.b.test; Path=/",
                        "https://c.b.test/"),
                  "n=v");
  CAF_CHECK_EQUAL(
      after("https://a.test/", "n=v; Domain=b.test", "https://b.test/"), "");
  CAF_CHECK_EQUAL(
      after("https://a.test/", "n=v; Domain=test", "https://b.test/"), "");
  CAF_CHECK_EQUAL(after("https://a.test/", "n=v; Max-Age=0", "https://a.test/"),
                  "");
  CAF_CHECK_EQUAL(after("http://a.test/", "n=v; Secure", "https://a.test/"),
                  "");
}

CAF_TEST(no server sets cookies for a public suffix) {
  cookie_jar jar;
  jar.use_sites(make_site_lookup());
  auto from = *parse_url("https://www.shop.co.uk/");
  jar.store(from, "wide=1; Domain=co.uk; Path=/", now);
  CAF_CHECK_EQUAL(jar.size(), 0u);
  jar.store(from, "site=2; Domain=shop.co.uk; Path=/", now);
  CAF_CHECK_EQUAL(sent(jar, "https://a.shop.co.uk/"), "site=2");
  CAF_CHECK_EQUAL(sent(jar, "https://other.co.uk/"), "");
  // One that is a host itself keeps its own.
  jar.store(*parse_url("https://github.io/"), "own=3; Domain=github.io; Path=/",
            now);
  CAF_CHECK_EQUAL(sent(jar, "https://github.io/"), "own=3");
  CAF_CHECK_EQUAL(sent(jar, "https://somebody.github.io/"), "");
}
