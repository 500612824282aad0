#define CAF_SUITE http_message

#include "core/http_message.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

std::string parsed(std::string_view text) {
  auto x = parse_url(text);
  return x ? x->text() : "refused";
}

std::string value_of(const http_fields& fields, std::string_view name) {
  return std::string{fields.find(name).value_or("none")};
}

} // namespace

CAF_TEST(names of fields compare without case and keep their spelling) {
  http_fields fields{{"ETag", "\"a\""}, {"etag", "\"b\""}};
  CAF_CHECK_EQUAL(value_of(fields, "ETAG"), "\"a\"");
  CAF_CHECK_EQUAL(fields.count("eTag"), 2u);
  CAF_CHECK_EQUAL(fields.begin()->name, "ETag");
  CAF_CHECK(!fields.find("ETa"));
  CAF_CHECK(equal_ignoring_case("", ""));
  CAF_CHECK(!equal_ignoring_case("a", "ab"));
}

CAF_TEST(joining repeated fields gives one list) {
  http_fields fields{{"Via", "1.1 a"}, {"Host", "x"}, {"via", "1.0 b"}};
  CAF_CHECK_EQUAL(fields.joined("Via"), "1.1 a, 1.0 b");
  CAF_CHECK_EQUAL(fields.joined("Date"), "");
}

CAF_TEST(a token is found in any field of its name whatever its parameters) {
  http_fields fields{{"TE", "gzip"}, {"TE", " trailers;q=0.5 , deflate"}};
  CAF_CHECK(fields.has_token("te", "Trailers"));
  CAF_CHECK(fields.has_token("te", "deflate"));
  CAF_CHECK(!fields.has_token("te", "trail"));
  CAF_CHECK(!fields.has_token("te", ""));
}

CAF_TEST(a token inside a quoted string is not a token) {
  http_fields fields{{"Cache-Control", "no-cache=\"a, private\""}};
  CAF_CHECK(!fields.has_token("Cache-Control", "private"));
}

CAF_TEST(setting a field replaces all of its name in the place of the first) {
  http_fields fields{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}};
  fields.set("A", "5");
  CAF_CHECK(fields == (http_fields{{"A", "5"}, {"B", "2"}, {"C", "4"}}));
  fields.set("D", "6");
  CAF_CHECK_EQUAL(fields.size(), 4u);
  CAF_CHECK_EQUAL(value_of(fields, "d"), "6");
}

CAF_TEST(a field can be erased by its own name) {
  http_fields fields{{"Long-Enough-To-Be-Allocated", "1"}, {"B", "2"}};
  fields.erase(fields.begin()->name);
  CAF_CHECK(fields == (http_fields{{"B", "2"}}));
}

CAF_TEST(a url is taken apart) {
  auto x = parse_url("HTTPS://Example.ORG:8443/a%2Fb?q=%20#part");
  CAF_REQUIRE(x.has_value());
  CAF_CHECK_EQUAL(x->scheme, "https");
  CAF_CHECK_EQUAL(x->host, "example.org");
  CAF_CHECK_EQUAL(x->port, 8443u);
  CAF_CHECK_EQUAL(x->target, "/a%2Fb?q=%20");
  CAF_CHECK_EQUAL(x->authority(), "example.org:8443");
  CAF_CHECK(!x->has_userinfo);
}

CAF_TEST(the default port is left out of the text) {
  CAF_CHECK_EQUAL(parsed("http://a:80/"), "http://a/");
  CAF_CHECK_EQUAL(parsed("https://a:443/"), "https://a/");
  CAF_CHECK_EQUAL(parsed("http://a:443/"), "http://a:443/");
  CAF_CHECK_EQUAL(parsed("http://a:/x"), "http://a/x");
}

CAF_TEST(a url without a path asks for the root) {
  CAF_CHECK_EQUAL(parsed("http://a"), "http://a/");
  CAF_CHECK_EQUAL(parsed("http://a?q"), "http://a/?q");
  CAF_CHECK_EQUAL(parsed("http://a#x/y"), "http://a/");
}

CAF_TEST(user information is dropped and noted) {
  auto x = parse_url("http://me:secret@a/x@y");
  CAF_REQUIRE(x.has_value());
  CAF_CHECK(x->has_userinfo);
  CAF_CHECK_EQUAL(x->text(), "http://a/x@y");
}

CAF_TEST(an IPv6 literal loses its brackets and gets them back) {
  auto x = parse_url("http://[2001:DB8::1]:8080/");
  CAF_REQUIRE(x.has_value());
  CAF_CHECK_EQUAL(x->host, "2001:db8::1");
  CAF_CHECK_EQUAL(x->text(), "http://[2001:db8::1]:8080/");
}

CAF_TEST(what is not an absolute http url is refused) {
  for (auto text : {"",
                    "/x",
                    "a:80",
                    "//a/",
                    "ftp://a/",
                    "http:/a",
                    "http://",
                    "http:///x",
                    "http://:80/",
                    "http://a b/",
                    "http://a/b c",
                    "http://a/\r\nX: y",
                    "http://a\t/",
                    "http://a:0/",
                    "http://a:65536/",
                    "http://a:8x/",
                    "http://a:-1/",
                    "http://a:+80/",
                    "http://a:000080/",
                    "http://[::1/",
                    "http://[::1]x/",
                    "http://[1.2.3.4]/",
                    "http://[fe80::1%25eth0]/",
                    "http://[]/",
                    "http://a@b@c/",
                    "http://a\\@b/",
                    "http://a%2eb/",
                    "http://a_b:c:80/",
                    "http://a\x7f/",
                    "http://a\"b/"}) {
    CAF_MESSAGE(text);
    auto x = parse_url(text);
    CAF_REQUIRE(!x);
    CAF_CHECK_EQUAL(to_string(x.error().code), to_string(errc::bad_http));
    CAF_CHECK(!x.error().detail.empty());
  }
}

CAF_TEST(the text of a url parses to the same url) {
  for (auto text : {"http://a/", "https://a:80/?", "http://[::1]:1/%00",
                    "https://x.y:65535//..//", "http://a/\xc3\xa4|{}"}) {
    auto x = parse_url(text);
    CAF_REQUIRE(x.has_value());
    CAF_CHECK_EQUAL(x->text(), text);
    CAF_CHECK(parse_url(x->text()) == x);
  }
}

CAF_TEST(a host longer than any name is refused) {
  CAF_CHECK(parse_url("http://" + std::string(255, 'a') + '/').has_value());
  CAF_CHECK(!parse_url("http://" + std::string(256, 'a') + '/').has_value());
}

CAF_TEST(a tunnel target needs a port) {
  auto x = parse_host_port("Example.org:443");
  CAF_REQUIRE(x.has_value());
  CAF_CHECK_EQUAL(to_string(*x), "example.org:443");
  for (auto text : {"example.org", "example.org:", ":443", "[::1]", "::1",
                    "a:b:1", "a@b:1", "[::1]443", ""})
    CAF_CHECK(!parse_host_port(text));
}

CAF_TEST(a host field may leave the port to the scheme) {
  CAF_CHECK_EQUAL(to_string(parse_host_port("a", 80).value()), "a:80");
  CAF_CHECK_EQUAL(to_string(parse_host_port("[::1]", 443).value()),
                  "[::1]:443");
  CAF_CHECK_EQUAL(to_string(parse_host_port("[::1]:1", 443).value()),
                  "[::1]:1");
}
