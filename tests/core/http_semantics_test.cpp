#define CAF_SUITE http_semantics

#include "tests/core/http_semantics_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::test;
using namespace std::chrono_literals;

using form = range_request::form;

// -- lists --------------------------------------------------------------------

CAF_TEST(list members lose blanks and keep quoted commas) {
  using members = std::vector<std::string_view>;
  CAF_CHECK_EQUAL(list_members(" a ,, b=\"x, \\\"y\" ,\tc"),
                  (members{"a", "b=\"x, \\\"y\"", "c"}));
  CAF_CHECK_EQUAL(list_members(" , "), members{});
  CAF_CHECK_EQUAL(list_members("\"open, \\"), (members{"\"open, \\"}));
}

// -- ranges -------------------------------------------------------------------

CAF_TEST(a single range has three forms) {
  CAF_CHECK(parse_range("bytes=0-9") == (range_request{form::span, 0, 9, 0}));
  CAF_CHECK(parse_range("Bytes=7-") == (range_request{form::from, 7, 0, 0}));
  CAF_CHECK(parse_range("bytes=-5") == (range_request{form::suffix, 0, 0, 5}));
  CAF_CHECK(parse_range("bytes=0-9,") == parse_range("bytes=0-9"));
}

CAF_TEST(several ranges and other units are told apart from malformed ones) {
  CAF_CHECK(parse_range("bytes=0-1, 4-")->kind == form::multiple);
  CAF_CHECK(parse_range("lines=1-2")->kind == form::other_unit);
  for (auto text :
       {"", "bytes", "bytes=", "=0-1", "bytes=-", "bytes=a-b", "bytes=2-1",
        "bytes= 0-1", "bytes=0 -1", "bytes=0-1,x", "bytes=+1-2", "bytes=--1",
        "bytes=0-18446744073709551616", "bytes=0x1-2", "bytes=,"}) {
    CAF_MESSAGE(text);
    CAF_CHECK(!parse_range(text));
  }
}

CAF_TEST(a range is resolved against the length of the body) {
  auto resolved = [](std::string_view text, uint64_t total) {
    auto x = parse_range(text);
    CAF_REQUIRE(x.has_value());
    auto range = resolve(*x, total);
    return range ? to_string(*range) : "none";
  };
  CAF_CHECK_EQUAL(resolved("bytes=0-9", 100), "[0,10)");
  CAF_CHECK_EQUAL(resolved("bytes=90-199", 100), "[90,100)");
  CAF_CHECK_EQUAL(resolved("bytes=0-18446744073709551615", 100), "[0,100)");
  CAF_CHECK_EQUAL(resolved("bytes=100-", 100), "none");
  CAF_CHECK_EQUAL(resolved("bytes=99-", 100), "[99,100)");
  CAF_CHECK_EQUAL(resolved("bytes=-10", 100), "[90,100)");
  CAF_CHECK_EQUAL(resolved("bytes=-1000", 100), "[0,100)");
  CAF_CHECK_EQUAL(resolved("bytes=-0", 100), "none");
  CAF_CHECK_EQUAL(resolved("bytes=-1", 0), "none");
  CAF_CHECK_EQUAL(resolved("bytes=0-0", 0), "none");
  CAF_CHECK_EQUAL(resolved("bytes=0-1,3-4", 100), "none");
}

CAF_TEST(a content range says which bytes of how many) {
  using range = content_range;
  CAF_CHECK(parse_content_range("bytes 0-9/100")
            == (range{byte_range{0, 10}, 100}));
  CAF_CHECK(parse_content_range("bytes 0-9/*")
            == (range{byte_range{0, 10}, std::nullopt}));
  CAF_CHECK(parse_content_range("bytes */100") == (range{std::nullopt, 100}));
  for (auto text :
       {"", "bytes", "bytes 0-9", "bytes=0-9/10", "bytes */*", "bytes 9-0/10",
        "bytes 0-10/10", "bytes -9/10", "bytes 0-/10", "lines 0-9/10",
        "bytes 0-9/x", "bytes 0-18446744073709551615/*", "bytes 0-9/10/10",
        "bytes  0-9/10"}) {
    CAF_MESSAGE(text);
    CAF_CHECK(!parse_content_range(text));
  }
}

// -- representations ----------------------------------------------------------

CAF_TEST(a representation is known by its validators and total length) {
  auto whole = with(ok(), "Last-Modified", "yesterday");
  CAF_CHECK(representation_of(whole)
            == (representation{"\"v1\"", "yesterday", size}));
  CAF_CHECK(representation_of(part(0, 10)) == version_1);
  auto unknown = with(part(0, 10), "Content-Range", "bytes 0-9/*");
  CAF_CHECK(!representation_of(unknown).total_length);
}

CAF_TEST(malformed and repeated entity tags count as none) {
  for (auto tag : {"v1", "\"", "W/v1", "w/\"v1\"", "\"a\"b\"", "\"a b\"", ""})
    CAF_CHECK(!representation_of(with(ok(), "ETag", tag)).etag);
  auto twice = ok();
  twice.fields.add("etag", "\"v2\"");
  CAF_CHECK(!representation_of(twice).etag);
}

CAF_TEST(a weak entity tag alone is no usable validator) {
  CAF_CHECK(is_strong("\"\""));
  CAF_CHECK(!is_strong("W/\"a\""));
  CAF_CHECK(has_usable_validator({"\"a\"", {}, {}}));
  CAF_CHECK(has_usable_validator({{}, "yesterday", {}}));
  CAF_CHECK(!has_usable_validator({"W/\"a\"", {}, size}));
  CAF_CHECK(!has_usable_validator({{}, {}, size}));
}

CAF_TEST(a strong entity tag decides whether representations are the same) {
  representation expected{"\"a\"", "monday", 10};
  CAF_CHECK(same_representation(expected, {"\"a\"", "tuesday", 10}));
  CAF_CHECK(!same_representation(expected, {"\"b\"", "monday", 10}));
  CAF_CHECK(!same_representation(expected, {"W/\"a\"", "monday", 10}));
  CAF_CHECK(!same_representation(expected, {{}, "monday", 10}));
  CAF_CHECK(!same_representation(expected, {"\"a\"", "monday", 11}));
  CAF_CHECK(!same_representation(expected, {"\"a\"", "monday", {}}));
}

CAF_TEST(without a strong entity tag the date of change decides) {
  representation dated{{}, "monday", 10};
  CAF_CHECK(same_representation(dated, {{}, "monday", 10}));
  CAF_CHECK(same_representation(dated, {"\"new\"", "monday", 10}));
  CAF_CHECK(!same_representation(dated, {{}, "tuesday", 10}));
  CAF_CHECK(!same_representation(dated, {{}, {}, 10}));
  representation weak{"W/\"a\"", "monday", 10};
  CAF_CHECK(same_representation(weak, weak));
  CAF_CHECK(!same_representation(weak, {"W/\"b\"", "monday", 10}));
  CAF_CHECK(!same_representation({"W/\"a\"", {}, 10}, {"W/\"a\"", {}, 10}));
}

CAF_TEST(whoever expects nothing takes anything) {
  CAF_CHECK(same_representation({}, version_1));
  CAF_CHECK(same_representation({}, {}));
}

// -- range requests -----------------------------------------------------------

CAF_TEST(a range request on the own line keeps what the client sent) {
  auto original = get("http://a/x", {{"Host", "a"},
                                     {"Accept", "*/*"},
                                     {"Cookie", "a=b"},
                                     {"Range", "bytes=5-"},
                                     {"If-Range", "\"old\""},
                                     {"If-None-Match", "\"old\""},
                                     {"If-Modified-Since", "monday"},
                                     {"Connection", "keep-alive, X-Hop"},
                                     {"X-Hop", "1"},
                                     {"X-Other", "2"},
                                     {"Proxy-Authorization", "Basic eA=="}});
  auto x = make_range_request(original, {10, 20}, version_1);
  CAF_CHECK_EQUAL(x.method, "GET");
  CAF_CHECK(x.target == original.target);
  CAF_CHECK(x.fields
            == (http_fields{{"Accept", "*/*"},
                            {"Cookie", "a=b"},
                            {"X-Other", "2"},
                            {"Range", "bytes=10-19"},
                            {"If-Range", "\"v1\""}}));
}

CAF_TEST(a range is asked for in the name of the same client) {
  auto original = get("http://a/x", {});
  CAF_CHECK(!make_range_request(original, {0, 1}, version_1).from_elsewhere);
  original.from_elsewhere = true;
  CAF_CHECK(make_range_request(original, {0, 1}, version_1).from_elsewhere);
}

CAF_TEST(a range request without credentials keeps only what selects) {
  auto original = get("http://a/x", {{"Accept-Encoding", "gzip"},
                                     {"Cookie", "a=b"},
                                     {"Referer", "http://a/"},
                                     {"User-Agent", "u"}});
  representation weak{"W/\"a\"", "monday", size};
  auto x = make_range_request(original, {0, 1}, weak, credentials::drop);
  CAF_CHECK(x.fields
            == (http_fields{{"Accept-Encoding", "gzip"},
                            {"User-Agent", "u"},
                            {"Range", "bytes=0-0"}}));
}

CAF_TEST(a request for a peer asks for the bytes as they are) {
  auto target = parse_url("http://a/x?y").value();
  auto x = make_peer_request(target, {0, size}, version_1);
  CAF_CHECK(x.target == target);
  CAF_CHECK(x.framing == body_framing::none);
  CAF_CHECK_EQUAL(value_of(x.fields, "Accept-Encoding"), "identity");
  CAF_CHECK_EQUAL(value_of(x.fields, "Range"), "bytes=0-8388607");
  CAF_CHECK_EQUAL(value_of(x.fields, "If-Range"), "\"v1\"");
  CAF_CHECK(!make_peer_request(target, {0, 1}, {}).fields.find("If-Range"));
}

CAF_TEST(the range that was asked for is accepted) {
  CAF_CHECK_EQUAL(checked(part(10, 20), {10, 20}, version_1), "accepted");
  CAF_CHECK_EQUAL(checked(part(10, 20), {10, 20}, {}), "accepted");
}

CAF_TEST(any other range or version is a mismatch) {
  auto mismatch = words(errc::mismatch);
  CAF_CHECK_EQUAL(checked(part(10, 20), {10, 21}, version_1), mismatch);
  CAF_CHECK_EQUAL(checked(part(9, 20), {10, 20}, version_1), mismatch);
  CAF_CHECK_EQUAL(checked(ok(), {0, size}, version_1), mismatch);
  CAF_CHECK_EQUAL(
      checked(with(part(0, 9), "ETag", "\"v2\""), {0, 9}, version_1), mismatch);
  CAF_CHECK_EQUAL(checked(without(part(0, 9), "ETag"), {0, 9}, version_1),
                  mismatch);
  auto longer = with(part(0, 9), "Content-Range", "bytes 0-8/9999999");
  CAF_CHECK_EQUAL(checked(longer, {0, 9}, version_1), mismatch);
  auto unknown = with(part(0, 9), "Content-Range", "bytes 0-8/*");
  CAF_CHECK_EQUAL(checked(unknown, {0, 9}, version_1), mismatch);
}

CAF_TEST(another coding is another representation) {
  representation dated{{}, "monday", size};
  auto plain = with(without(part(0, 9), "ETag"), "Last-Modified", "monday");
  CAF_CHECK_EQUAL(checked(plain, {0, 9}, dated), "accepted");
  CAF_CHECK_EQUAL(checked(with(plain, "Content-Encoding", "br"), {0, 9}, dated),
                  words(errc::mismatch));
  CAF_CHECK_EQUAL(
      checked(with(part(0, 9), "Content-Encoding", "br"), {0, 9}, version_1),
      "accepted");
}

CAF_TEST(a partial response that breaks the rules is refused) {
  auto bad = words(errc::bad_http);
  CAF_CHECK_EQUAL(checked(without(part(0, 9), "Content-Range"), {0, 9}, {}),
                  bad);
  CAF_CHECK_EQUAL(
      checked(with(part(0, 9), "Content-Range", "bytes */9"), {0, 9}, {}), bad);
  CAF_CHECK_EQUAL(checked(with(part(0, 9), "Content-Type",
                               "multipart/byteranges; boundary=x"),
                          {0, 9}, {}),
                  bad);
  auto repeated = part(0, 9);
  repeated.fields.add("Content-Range", "bytes 0-8/8388608");
  CAF_CHECK_EQUAL(checked(repeated, {0, 9}, {}), bad);
  auto short_body = part(0, 9);
  short_body.content_length = 8;
  CAF_CHECK_EQUAL(checked(short_body, {0, 9}, {}), bad);
}

CAF_TEST(a refusal of the origin tells when to come back) {
  for (auto status : {301u, 401u, 403u, 404u, 412u, 416u, 429u, 500u, 503u}) {
    auto response = with(ok(), "Retry-After", "120");
    response.status = status;
    auto x = check_range_response(response, {0, 9}, {});
    CAF_REQUIRE(!x);
    CAF_CHECK_EQUAL(words(x.error().code), words(errc::origin_refused));
    CAF_CHECK(x.error().detail.find(std::to_string(status))
              != std::string::npos);
    CAF_CHECK(x.error().detail.ends_with("retry after 120"));
  }
}

CAF_TEST(a date to come back counts from the date of the response) {
  auto after = [](const char* date, const char* value) {
    auto out = with(ok(), "Retry-After", value);
    out.fields.erase("Date");
    out.fields.add("Date", date);
    return retry_after(out);
  };
  auto noon = "Fri, 31 Dec 1999 12:00:00 GMT";
  CAF_CHECK(after(noon, "Fri, 31 Dec 1999 12:02:00 GMT") == 120s);
  CAF_CHECK(after(noon, "Friday, 31-Dec-99 12:00:01 GMT") == 1s);
  CAF_CHECK(after(noon, "Fri, 31 Dec 1999 11:00:00 GMT") == 0s);
  CAF_CHECK(after(noon, "Fri, 31 Dec 2999 11:00:00 GMT") == 24h * 365);
  CAF_CHECK(!after("yesterday", "Fri, 31 Dec 1999 12:02:00 GMT"));
  CAF_CHECK(!after(noon, "tomorrow"));
}

CAF_TEST(the seconds of a retry after field are bounded) {
  auto after = [](std::string value) {
    return retry_after(with(ok(), "Retry-After", std::move(value)));
  };
  CAF_CHECK(after("120") == std::chrono::seconds(120));
  CAF_CHECK(after("18446744073709551615") == std::chrono::hours(24 * 365));
  CAF_CHECK(!after("Fri, 31 Dec 1999 23:59:59 GMT"));
  CAF_CHECK(!after("-1"));
  CAF_CHECK(!retry_after(ok()));
}
