#define CAF_SUITE file_name

#include "hosts/get/file_name.hpp"

#include "hosts/get/checksum.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

std::string named(std::string_view text) {
  return name_of(*parse_url(text));
}

std::string led(std::string_view from, std::string_view to) {
  auto out = follow(*parse_url(from), to);
  return out ? out->text() : "nowhere";
}

} // namespace

CAF_TEST(files are called as the last part of their path) {
  CAF_CHECK_EQUAL(named("https://a.test/b/c.iso?d=/e"), "c.iso");
  CAF_CHECK_EQUAL(named("https://a.test/"), "index.html");
  CAF_CHECK_EQUAL(named("https://a.test/b/"), "index.html");
  CAF_CHECK_EQUAL(named("https://a.test/a%20b"), "a b");
  CAF_CHECK_EQUAL(named("https://a.test/..%2f..%2fb"), "_.._b");
  CAF_CHECK_EQUAL(named("https://a.test/%2e%2e"), "index.html");
  CAF_CHECK_EQUAL(named("https://a.test/a%0ab"), "a_b");
  CAF_CHECK_EQUAL(named("https://a.test/" + std::string(300, 'x')).size(),
                  max_name_size);
}

CAF_TEST(locations are relative to where they come from) {
  CAF_CHECK_EQUAL(led("https://a.test/b/c?d", "e"), "https://a.test/b/e");
  CAF_CHECK_EQUAL(led("https://a.test/b/c", "/e"), "https://a.test/e");
  CAF_CHECK_EQUAL(led("https://a.test/b/c", "//d.test/e"), "https://d.test/e");
  CAF_CHECK_EQUAL(led("https://a.test/b/c", "?x"), "https://a.test/b/c?x");
  CAF_CHECK_EQUAL(led("https://a.test/b", "http://c.test/a b"),
                  "http://c.test/a%20b");
  CAF_CHECK_EQUAL(led("https://a.test/b", "ftp://c.test/"), "nowhere");
  CAF_CHECK_EQUAL(led("https://a.test/b", "http://[::1"), "nowhere");
}

CAF_TEST(checksums are read as people write them) {
  std::string digits(64, 'a');
  for (auto name : {"sha-256=", "SHA-256:", "sha256="})
    CAF_CHECK(parse_checksum(name + digits).has_value());
  CAF_CHECK(parse_checksum("sha-512=" + digits + digits).has_value());
  for (auto text :
       {std::string{}, digits, "md5=" + digits, "sha-256=" + digits + "00",
        "sha-256=" + digits.substr(1), std::string{"sha-256="}})
    CAF_CHECK(!parse_checksum(text));
}
