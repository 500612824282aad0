#define CAF_SUITE host_name

#include "hosts/get/host_name.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

std::string ascii(const std::string& text) {
  auto out = with_ascii_host(text);
  return out ? *out : "!";
}

} // namespace

CAF_TEST(letters beyond ASCII are written as name servers know them) {
  CAF_CHECK_EQUAL(ascii("https://b\u00fccher.example/x"),
                  "https://xn--bcher-kva.example/x");
  CAF_CHECK_EQUAL(ascii("https://B\u00dcCHER.example:8443?\u00fc"),
                  "https://xn--bcher-kva.example:8443?\u00fc");
  CAF_CHECK_EQUAL(ascii("http://stra\u00dfe.example"),
                  "http://xn--strae-oqa.example");
  CAF_CHECK_EQUAL(ascii("https://\u4f8b\u3048.\u30c6\u30b9\u30c8/"),
                  "https://xn--r8jz45g.xn--zckzah/");
}

CAF_TEST(other hosts stay as they are) {
  for (auto* text : {"https://a.test/\u00fc?\u00fc", "https://[::1]:1/\u00fc",
                     "https://", "no scheme \u00fc", "https://A_b.test/"})
    CAF_CHECK_EQUAL(ascii(text), text);
}

CAF_TEST(what can be no name is refused) {
  CAF_CHECK_EQUAL(ascii("https://\xff\xfe.example/"), "!");
  CAF_CHECK_EQUAL(ascii(std::string("https://\u00fc\0.example/", 20)), "!");
  CAF_CHECK_EQUAL(ascii("https://" + std::string(70, 'a') + "\u00fc.example/"),
                  "!");
}
