#define CAF_SUITE metalink

#include "hosts/get/metalink.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

std::string document(std::string inside) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>)"
         R"(<metalink xmlns="urn:ietf:params:xml:ns:metalink">)"
         + inside + "</metalink>";
}

std::string file(std::string name, std::string inside) {
  return document("<file name=\"" + name + "\">" + inside + "</file>");
}

constexpr auto link = "<url>https://a.test/x</url>";

} // namespace

CAF_TEST(mirrors come in the order of their priority) {
  auto x =
      parse_metalink(file("x", "<size> 5 </size>"
                               "<hash type=\"md5\">00</hash>"
                               "<hash type=\"sha-256\">"
                               "00000000000000000000000000000000"
                               "00000000000000000000000000000001</hash>"
                               "<url>https://c.test/x</url>"
                               "<url priority=\"2\">https://b.test/x</url>"
                               "<url priority=\"1\">https://a.test/x</url>"
                               "<url priority=\"1\">ftp://d.test/x</url>"));
  CAF_REQUIRE(x.has_value());
  CAF_REQUIRE_EQUAL(x->size(), 1u);
  auto& one = x->front();
  CAF_CHECK(one.size == std::optional<uint64_t>{5});
  CAF_CHECK_EQUAL(one.digests.size(), 1u);
  CAF_REQUIRE_EQUAL(one.urls.size(), 3u);
  CAF_CHECK_EQUAL(one.urls[0].host, "a.test");
  CAF_CHECK_EQUAL(one.urls[2].host, "c.test");
}

CAF_TEST(names lead nowhere else) {
  auto name = [](std::string text) {
    auto x = parse_metalink(file(text, link));
    return x ? x->front().name : "none";
  };
  CAF_CHECK_EQUAL(name("../../etc/passwd"), "passwd");
  CAF_CHECK_EQUAL(name("/abs"), "abs");
  CAF_CHECK_EQUAL(name(".bashrc"), "bashrc");
  CAF_CHECK_EQUAL(name(".."), "none");
  CAF_CHECK_EQUAL(name(""), "none");
  CAF_CHECK_EQUAL(name("a&#10;b"), "a_b");
}

CAF_TEST(what is no Metalink is said to be none) {
  for (auto text : {std::string{}, std::string{"x"}, std::string{"<a/>"},
                    std::string{"<metalink/>"}, document(""), file("x", ""),
                    file("x", "<url>ftp://a.test/</url>"),
                    file("x", "<size>many</size><url>https://a.test/</url>")})
    CAF_CHECK(!parse_metalink(text));
}
