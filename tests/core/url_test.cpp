#include "core/http_message.hpp"

#include <string>
#include <utility>

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

// -- references ---------------------------------------------------------------

namespace {

/// Where a reference at `base` leads, or `none`.
std::string resolved(std::string_view reference,
                     std::string_view base = "http://a/b/c/d;p?q") {
  auto out = resolve_reference(parse_url(base).value(), reference);
  return out ? out->text() : "none";
}

} // namespace

CAF_TEST(references are resolved as the examples of RFC 3986 are) {
  constexpr std::pair<const char*, const char*> examples[] = {
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g?y#s", "http://a/b/c/g?y"},
      {";x", "http://a/b/c/;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
  };
  for (auto& [reference, where] : examples)
    CAF_CHECK_EQUAL(resolved(reference), where);
}

CAF_TEST(references keep the port and name other hosts only as hosts) {
  constexpr auto base = "https://[::1]:8443/x?/y/z";
  CAF_CHECK_EQUAL(resolved("f.bin", base), "https://[::1]:8443/f.bin");
  CAF_CHECK_EQUAL(resolved("//b.example/f", base), "https://b.example/f");
  CAF_CHECK_EQUAL(resolved("HTTP://b.example/a/../f", base),
                  "http://b.example/f");
  CAF_CHECK_EQUAL(resolved("@b.example/f", base),
                  "https://[::1]:8443/@b.example/f");
  for (auto name : {"1:2", "-a:b", "a@b:c"})
    CAF_CHECK_EQUAL(resolved(name, base),
                    "https://[::1]:8443/" + std::string{name});
  CAF_CHECK_EQUAL(resolved("/a//../b", base), "https://[::1]:8443/a/b");
  for (auto bad : {"ftp://a/", "http:g", "javascript:x", "//", "a b", "\r\n"})
    CAF_CHECK_EQUAL(resolved(bad, base), "none");
}
