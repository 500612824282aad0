#define CAF_SUITE sigv4

#include "hosts/get/sigv4.hpp"

#include "core/integrity.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

// The example "GET Object" of the documentation of AWS Signature Version 4.
s3_credentials example_credentials() {
  return {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
          "", "us-east-1"};
}

std::chrono::sys_seconds day() {
  using namespace std::chrono;
  return sys_days{year{2013} / May / 24};
}

std::string signature_of(std::string_view target) {
  request_head head;
  head.method = "GET";
  head.target = *parse_url(target);
  sign(head, sha256({}), example_credentials(), day());
  std::string text{*head.fields.find("Authorization")};
  return text.substr(text.rfind('=') + 1);
}

} // namespace

CAF_TEST(signatures are those of the documentation) {
  CAF_CHECK_EQUAL(
      signature_of("https://examplebucket.s3.amazonaws.com/"
                   "?lifecycle"),
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783"
      "543");
  CAF_CHECK_EQUAL(
      signature_of("https://examplebucket.s3.amazonaws.com/"
                   "?max-keys=2&prefix=J"),
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc"
      "6f7");
}

CAF_TEST(the order of parameters does not matter) {
  CAF_CHECK_EQUAL(signature_of("https://a.test/?b=1&a=2"),
                  signature_of("https://a.test/?a=2&b=1"));
}

CAF_TEST(keys are encoded as S3 wants it) {
  CAF_CHECK_EQUAL(uri_encoded("a b/c+~", true), "a%20b/c%2B~");
  CAF_CHECK_EQUAL(uri_encoded("a/b"), "a%2Fb");
}

CAF_TEST(the token of a session is signed) {
  request_head head;
  head.method = "GET";
  head.target = *parse_url("https://a.test/");
  auto who = example_credentials();
  who.token = "session";
  sign(head, sha256({}), who, day());
  auto signed_by = head.fields.joined("Authorization");
  CAF_CHECK(signed_by.find("x-amz-security-token") != std::string::npos);
  CAF_CHECK_EQUAL(head.fields.joined("x-amz-security-token"), "session");
}
