#include "hosts/common/kde_config.hpp"

#define CAF_SUITE kde_config
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

constexpr auto group = "Proxy Settings";
constexpr auto key = "ProxyType";

std::string changed(std::string_view text, const char* value,
                    const char* options = "") {
  auto out = with_kde_entry(text, group, key, {value, options});
  CAF_REQUIRE(out);
  return *out;
}

} // namespace

CAF_TEST(an entry is found in its group alone) {
  auto text = "[Other]\nProxyType=1\n[Proxy Settings]\n ProxyType = 3 \n"
              "[Proxy Settings][Sub]\nProxyType=4\n";
  CAF_CHECK(kde_entry(text, group, key) == kde_value{"3"});
  CAF_CHECK(!kde_entry("[Other]\nProxyType=1\n", group, key));
  CAF_CHECK(
      !kde_entry("#ProxyType=1\n[Proxy Settings]\nProxyTypes=1\n", group, key));
}

CAF_TEST(an entry changes and all else stays) {
  CAF_CHECK_EQUAL(
      changed("# mine\n[A]\nx=1\n[Proxy Settings]\nNoProxy=a\nProxyType=1\n"
              "\n[B]\nProxyType=7\n",
              "2"),
      "# mine\n[A]\nx=1\n[Proxy Settings]\nProxyType=2\nNoProxy=a\n\n[B]\n"
      "ProxyType=7\n");
}

CAF_TEST(an empty file gets its group) {
  CAF_CHECK_EQUAL(changed("", "2"), "[Proxy Settings]\nProxyType=2\n");
  CAF_CHECK_EQUAL(changed("[A]\nx=1", "2"),
                  "[A]\nx=1\n\n[Proxy Settings]\nProxyType=2\n");
}

CAF_TEST(an entry that was not there goes again) {
  auto text = "[Proxy Settings]\nNoProxy=a\n";
  CAF_CHECK_EQUAL(changed(changed(text, "2"), ""), text);
  CAF_CHECK_EQUAL(changed("", ""), "");
}

CAF_TEST(how an entry is read is kept and written with it) {
  auto text = "[Proxy Settings]\nProxyType[$e]=$MODE\n";
  auto before = kde_entry(text, group, key);
  CAF_REQUIRE(before);
  CAF_CHECK(*before == (kde_value{"$MODE", "[$e]"}));
  auto on = changed(text, "2");
  CAF_CHECK_EQUAL(on, "[Proxy Settings]\nProxyType=2\n");
  CAF_CHECK_EQUAL(changed(on, "$MODE", "[$e]"), text);
}

CAF_TEST(of an entry that stands there twice one is left) {
  CAF_CHECK_EQUAL(changed("[Proxy Settings]\nProxyType=1\nProxyType=3\n", "2"),
                  "[Proxy Settings]\nProxyType=2\n");
}

CAF_TEST(what the administrator has locked is refused) {
  for (auto text : {"[Proxy Settings]\nProxyType[$i]=1\n",
                    "[Proxy Settings][$i]\nProxyType=1\n",
                    "[Proxy Settings]\nProxyType[$ei]=1\n"}) {
    auto out = with_kde_entry(text, group, key, {"2"});
    CAF_REQUIRE(!out);
    CAF_CHECK(out.error().code == errc::not_allowed);
  }
}
