#include "core/http_semantics.hpp"
#include "core/secret_names.hpp"

#include <string>
#include <string_view>

#define CAF_SUITE secret_names
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

/// The URLs of `texts` that are taken for the other thing than `expected`.
std::string misjudged(std::initializer_list<std::string_view> texts,
                      bool expected) {
  std::string out;
  for (auto text : texts) {
    auto x = parse_url("http://a" + std::string{text});
    if (!x || carries_secret(*x) != expected)
      out += std::string{text} + ' ';
  }
  return out;
}

#define CHECK_SECRET(...) CAF_CHECK_EQUAL(misjudged({__VA_ARGS__}, true), "")
#define CHECK_HARMLESS(...) CAF_CHECK_EQUAL(misjudged({__VA_ARGS__}, false), "")

} // namespace

CAF_TEST(secrets are known by the names of their parameters) {
  CHECK_SECRET("/?sig=1", "/?a;TOKEN", "/?%74oken=1", "/?X-Amz%2dSignature=1",
               "/?x?=1&Signature=y", "/x?a=b&x-amz-signature=1");
  CHECK_HARMLESS("/", "/?", "/?a=sig", "/sig", "/token/x", "/sig/a;b");
}

CAF_TEST(signed links are known) {
  CHECK_SECRET("/x?X-Goog-Signature=1",     // Google
               "/x?GoogleAccessId=1",       //
               "/x?q-signature=1&q-ak=2",   // Tencent
               "/x?q-ak=1",                 //
               "/x?x-cos-security-token=1", //
               "/x?OSSAccessKeyId=1",       // Alibaba
               "/x?Policy=1",               // CloudFront
               "/x?Key-Pair-Id=1",          //
               "/x?sv=1&sp=r&sig=1",        // Azure
               "/x?hdnts=exp=1~hmac=2",     // Akamai
               "/hdnts=exp=1~hmac=2/x",     //
               "/x?t=st=1~exp=2~hmac=3",    //
               "/x?tempauth=1",             // SharePoint
               "/x?authkey=1",              // OneDrive
               "/x?rlkey=1",                // Dropbox
               "/x?resourcekey=1",          // Google Drive
               "/x?md5=1&expires=2",        // nginx
               "/x?st=1&e=2",               //
               "/x?ex=1&is=2&hm=3",         // Discord
               "/x?oh=1&oe=2",              // Facebook
               "/x?job_token=1",            // GitLab
               "/x?X-Plex-Token=1",         // Plex
               "/x?X-Bz-Authorization=1",   // Backblaze
               "/x?wsSecret=1&wsTime=2",    // Wangsu
               "/x?upsig=1", "/x?vkey=1");
}

CAF_TEST(words in the name of a parameter count) {
  CHECK_SECRET("/?accessToken=1", "/?apiToken=1", "/?user_token=1",
               "/?signature_v2=1", "/?ACCESSTOKEN=1", "/?token1=1",
               "/?downloadtoken=1", "/?api-key=1", "/?API_KEY=1", "/?userSig=1",
               "/?wsSign=1", "/?x.sign=1", "/?basicAuth=1", "/?authenticated=1",
               "/?authorization=1", "/?OAUTH2=1", "/?JWTId=1", "/?my-pass=1",
               "/?connect.sid=1", "/?ASP.NET_SessionId=1", "/?otp=1");
  CHECK_HARMLESS("/?design=1", "/?signal=1", "/?author=1", "/?authors=1",
                 "/?author_id=1", "/?authority=1", "/?assign=1", "/?page=1",
                 "/?keyword=1", "/?monkey=1", "/?passenger=1", "/?outside=1",
                 "/?inside=1", "/?codec=1", "/?country_code=1", "/?pinned=1",
                 "/?lang=de&os=linux&arch=amd64", "/?version=1.2.3",
                 "/?file=debian-12.7.0-amd64-netinst.iso", "/?Signal=1");
}

CAF_TEST(parameters of a path count) {
  CHECK_SECRET("/x;jsessionid=1", "/x;JSESSIONID=1.node?a=b", "/a;sid=1/b/c",
               "/x%3Bjsessionid=1", "/x;a=b;token=c", "/sig=1/x");
  CHECK_HARMLESS("/x;v=1", "/x;token", "/year=2020/month=1/x", "/a;b/c?d=e");
}

CAF_TEST(a url in a parameter counts) {
  CHECK_SECRET("/?url=http%3A%2F%2Fb%2F%3Fa%3D1%26token%3D2",
               "/?to=http://b/x;jsessionid=1", "/?u=http://b/?sig=1");
  CHECK_HARMLESS("/?url=http%3A%2F%2Fb%2F%3Fa%3D1");
}

CAF_TEST(a url that expires is a signed one) {
  CHECK_SECRET("/?expires=1", "/?Expires=1&x=y", "/?X-Foo-Expires=1",
               "/?exp=1&v=2", "/?link_expiry=1", "/?hash=1&t=2");
  CHECK_HARMLESS("/?st=1", "/?e=1", "/?md5=1", "/?start=1&end=2", "/?t=30",
                 "/?experiment=1", "/?hash=1");
}

CAF_TEST(what nobody would guess is a secret whatever its name) {
  CHECK_SECRET("/?P1=1&P4=h9Bn8XRjIvT2RnXqP5MrjNgQdDxT4mWL", // Windows Update
               "/?x=0123456789abcdef0123456789abcdef",
               "/?0123456789ABCDEF0123456789abcdef",
               "/?id=123e4567-e89b-12d3-a456-426614174000",
               "/x;a=123e4567-e89b-12d3-a456-426614174000");
  CHECK_HARMLESS("/?x=01234567890123456789012345678901234567890",
                 "/?from=2024-01-01-00-00-00-2024-01-02-00-00-00",
                 "/?file=Fedora-Workstation-Live-x86_64-40-1.14.iso",
                 "/?title=a-very-long-title-of-words-and-nothing-else",
                 "/0123456789abcdef0123456789abcdef/x",
                 "/by-hash/SHA256/0123456789abcdef0123456789abcdef");
}

CAF_TEST(words begin where capitals do) {
  for (auto name : {"sig", "userSig", "USERSig", "user_SIG", "2sig3"})
    CAF_CHECK(names_secret(name));
  for (auto name : {"", "-", "7", "SIGn4l", "sigma", "Sigma", "resign"})
    CAF_CHECK(!names_secret(name));
}
