#define CAF_SUITE origin_digest

#include "core/origin_digest.hpp"

#include "core/integrity.hpp"

#include <algorithm>
#include <string>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

// The content and its digests are those of RFC 9530, appendix B.
constexpr std::string_view content = "{\"hello\": \"world\"}\n";
constexpr std::string_view sha256_text =
    "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";
constexpr std::string_view sha512_text =
    "YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7y"
    "Z/WkppmM44T3qg==";

std::string both(std::string_view a, std::string_view b) {
  return std::string{a} + std::string{b};
}

std::string member(std::string_view name, std::string_view base64) {
  return std::string{name} + "=:" + std::string{base64} + ":";
}

/// The name of the algorithm that was found, or `none`.
std::string found(const std::optional<origin_digest>& x) {
  return x ? std::string{to_string(x->algorithm)} : "none";
}

std::string dictionary(std::string_view value) {
  return found(parse_digest_dictionary(value));
}

bool fits(origin_digest expected, std::string_view text) {
  digest_check check{std::move(expected)};
  slice all{text};
  check.update(all.sub(0, 3).bytes());
  check.update(all.sub(3).bytes());
  return check.matches();
}

response_head head(http_fields fields) {
  response_head out;
  out.status = 200;
  out.fields = std::move(fields);
  return out;
}

} // namespace

CAF_TEST(the examples of RFC 9530 are of their content) {
  auto short_one = parse_digest_dictionary(member("sha-256", sha256_text));
  CAF_REQUIRE(short_one.has_value());
  CAF_CHECK(std::ranges::equal(short_one->value,
                               sha256(slice{content}.bytes()).bytes));
  CAF_CHECK(fits(*short_one, content));
  CAF_CHECK(!fits(*short_one, "{\"hello\": \"World\"}\n"));
  auto long_one = parse_digest_dictionary(member("sha-512", sha512_text));
  CAF_REQUIRE(long_one.has_value());
  CAF_CHECK(fits(*long_one, content));
  CAF_CHECK(!fits(*long_one, "{\"hello\": \"World\"}\n"));
}

CAF_TEST(SHA - 256 goes before SHA - 512 whatever their order) {
  auto a = member("sha-256", sha256_text);
  auto b = member("sha-512", sha512_text);
  CAF_CHECK_EQUAL(dictionary(a + ", " + b), "sha-256");
  CAF_CHECK_EQUAL(dictionary(b + "\t,\t" + a), "sha-256");
  CAF_CHECK_EQUAL(dictionary(b), "sha-512");
}

CAF_TEST(the last of two members with one name counts) {
  std::string zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  auto x = parse_digest_dictionary(member("sha-256", zeros) + ","
                                   + member("sha-256", sha256_text));
  CAF_REQUIRE(x.has_value());
  CAF_CHECK(fits(*x, content));
}

CAF_TEST(other algorithms and parameters are passed over) {
  auto a = member("sha-256", sha256_text);
  CAF_CHECK_EQUAL(dictionary("md5=:Sd/dVLAcvNLSq16eXua5uQ==:"), "none");
  CAF_CHECK_EQUAL(dictionary("md5=:Sd/dVLAcvNLSq16eXua5uQ==:, " + a),
                  "sha-256");
  CAF_CHECK_EQUAL(dictionary(a + ";a;b=1;c=\"x\\\",:\";d=:AA==:"), "sha-256");
}

CAF_TEST(a dictionary that is malformed anywhere counts as none) {
  auto a = member("sha-256", sha256_text);
  for (auto& bad :
       {std::string{}, std::string{"sha-256"}, a + ",", a + " " + a,
        a + ", sha-512", a + ", x=1", "," + a, a + ";", a + ";=1",
        a + ";a=", a + ";a=\"x", a.substr(0, a.size() - 1),
        member("sha-256", "RK/0qy18"),                       // too short
        member("sha-256", sha512_text),                      // too long
        member("SHA-256", sha256_text),                      // not a key
        member("sha-256", sha256_text.substr(0, 43)),        // no padding
        member("sha-256", both("!", sha256_text.substr(1))), // not base64
        both("sha-256=", sha256_text)})                      // no byte sequence
    CAF_CHECK_EQUAL(dictionary(bad), "none");
}

CAF_TEST(the field of RFC 3230 is a list with names of any case) {
  auto list = [](std::string_view value) {
    return found(parse_digest_list(value));
  };
  auto a = both("SHA-256=", sha256_text);
  auto b = both("sha-512=", sha512_text);
  CAF_CHECK_EQUAL(list(a), "sha-256");
  CAF_CHECK_EQUAL(list(b + ",md5=HUXZLQLMuI/KZ5KDcJPcOA==, " + a), "sha-256");
  CAF_CHECK_EQUAL(list(b), "sha-512");
  CAF_CHECK_EQUAL(list("unixsum=30637, junk, =, sha-256=, " + b), "sha-512");
  CAF_CHECK_EQUAL(list("SHA=thvDyvhfIqlvFe+A9MYgxAfm1q5="), "none");
  CAF_CHECK_EQUAL(list(""), "none");
  auto x = parse_digest_list(a);
  CAF_REQUIRE(x.has_value());
  CAF_CHECK(fits(*x, content));
}

CAF_TEST(only the whole of a representation has a digest) {
  auto answer = head({{"Repr-Digest", member("sha-256", sha256_text)}});
  CAF_CHECK_EQUAL(found(digest_of(answer, {0, 19}, 19)), "sha-256");
  CAF_CHECK_EQUAL(found(digest_of(answer, {0, 18}, 19)), "none");
  CAF_CHECK_EQUAL(found(digest_of(answer, {1, 19}, 19)), "none");
}

CAF_TEST(the digest of the representation goes before those of the content) {
  auto a = member("sha-256", sha256_text);
  auto b = member("sha-512", sha512_text);
  byte_range all{0, 19};
  auto of = [&](http_fields fields) {
    return found(digest_of(head(std::move(fields)), all, 19));
  };
  CAF_CHECK_EQUAL(of({{"Content-Digest", a}, {"Repr-Digest", b}}), "sha-512");
  CAF_CHECK_EQUAL(of({{"Content-Digest", a}, {"Repr-Digest", "?"}}), "sha-256");
  CAF_CHECK_EQUAL(
      of({{"Digest", both("SHA-256=", sha256_text)}, {"Content-Digest", b}}),
      "sha-512");
  CAF_CHECK_EQUAL(of({{"Digest", both("SHA-256=", sha256_text)}}), "sha-256");
  CAF_CHECK_EQUAL(of({{"Repr-Digest", b}, {"Repr-Digest", a}}), "sha-256");
  CAF_CHECK_EQUAL(of({{"ETag", "\"x\""}}), "none");
}

CAF_TEST(of a coded body only the digest of the representation counts) {
  auto a = member("sha-256", sha256_text);
  byte_range all{0, 19};
  auto of = [&](std::string name, std::string value) {
    return found(digest_of(head({{"Content-Encoding", "gzip"},
                                 {std::move(name), std::move(value)}}),
                           all, 19));
  };
  CAF_CHECK_EQUAL(of("Repr-Digest", a), "sha-256");
  CAF_CHECK_EQUAL(of("Content-Digest", a), "none");
  CAF_CHECK_EQUAL(of("Digest", both("SHA-256=", sha256_text)), "none");
}
