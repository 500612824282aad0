#define CAF_SUITE http_semantics

#include "core/http_semantics.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

using form = range_request::form;

constexpr uint64_t size = 8_MiB;

request_head get(std::string_view text = "http://a/x",
                 http_fields fields = {}) {
  request_head out;
  out.method = "GET";
  out.target = parse_url(text).value();
  out.fields = std::move(fields);
  return out;
}

/// A response that may be pooled.
response_head ok() {
  response_head out;
  out.status = 200;
  out.framing = body_framing::length;
  out.content_length = size;
  out.fields = {{"Accept-Ranges", "bytes"}, {"ETag", "\"v1\""}};
  return out;
}

/// The part of `ok` from `begin` up to, not including, `end`.
response_head part(uint64_t begin, uint64_t end) {
  auto out = ok();
  out.status = 206;
  out.content_length = end - begin;
  out.fields.set("Content-Range", "bytes " + std::to_string(begin) + '-'
                                      + std::to_string(end - 1) + '/'
                                      + std::to_string(size));
  return out;
}

response_head with(response_head x, std::string name, std::string value) {
  x.fields.set(std::move(name), std::move(value));
  return x;
}

response_head without(response_head x, std::string_view name) {
  x.fields.erase(name);
  return x;
}

/// `"eligible"`, or why not.
std::string judged(const request_head& request, const response_head& response,
                   pool_policy policy = {}) {
  auto x = judge(request, response, policy);
  auto why = std::get_if<ineligible>(&x);
  return why ? std::string{to_string(*why)} : "eligible";
}

std::string words(ineligible x) {
  return std::string{to_string(x)};
}

std::string checked(const response_head& response, byte_range asked,
                    const representation& expected) {
  auto x = check_range_response(response, asked, expected);
  return x ? "accepted" : std::string{to_string(x.error().code)};
}

std::string words(errc x) {
  return std::string{to_string(x)};
}

const representation version_1{"\"v1\"", std::nullopt, size};

std::string value_of(const http_fields& fields, std::string_view name) {
  return std::string{fields.find(name).value_or("none")};
}

} // namespace

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

// -- eligibility --------------------------------------------------------------

CAF_TEST(a large file with ranges and an entity tag may be pooled) {
  auto x = judge(get(), ok(), {});
  auto found = std::get_if<eligible>(&x);
  CAF_REQUIRE(found);
  CAF_CHECK(*found == (eligible{{0, size}, size, version_1}));
}

CAF_TEST(a part that the client asked for may be pooled) {
  auto request = get("http://a/x", {{"Range", "bytes=1000-"}});
  auto x = judge(request, without(part(1000, size), "Accept-Ranges"), {});
  auto found = std::get_if<eligible>(&x);
  CAF_REQUIRE(found);
  CAF_CHECK(*found == (eligible{{1000, size}, size, version_1}));
}

CAF_TEST(an origin that ignored the range sent a whole body) {
  auto request = get("http://a/x", {{"Range", "bytes=0-1,5-6"}});
  CAF_CHECK_EQUAL(judged(request, ok()), "eligible");
}

CAF_TEST(a part that was not asked for passes through) {
  auto asks = [](std::string range) {
    return get("http://a/x", {{"Range", std::move(range)}});
  };
  CAF_CHECK_EQUAL(judged(get(), part(0, size)), words(ineligible::range_form));
  CAF_CHECK_EQUAL(judged(asks("bytes=0-1,5-"), part(0, size)),
                  words(ineligible::range_form));
  CAF_CHECK_EQUAL(judged(asks("bytes=1-"), part(0, size)),
                  words(ineligible::content_range));
  auto unknown = with(part(0, size), "Content-Range",
                      "bytes 0-" + std::to_string(size - 1) + "/*");
  CAF_CHECK_EQUAL(judged(asks("bytes=0-"), unknown),
                  words(ineligible::unknown_length));
  auto multipart = without(part(0, size), "Content-Range");
  CAF_CHECK_EQUAL(judged(asks("bytes=0-"), multipart),
                  words(ineligible::content_range));
  auto shorter = part(0, size);
  shorter.content_length = size - 1;
  CAF_CHECK_EQUAL(judged(asks("bytes=0-"), shorter),
                  words(ineligible::content_range));
}

CAF_TEST(only a plain get of a good answer is pooled) {
  auto request = get();
  request.method = "HEAD";
  CAF_CHECK_EQUAL(judged(request, ok()), words(ineligible::method));
  request.method = "get";
  CAF_CHECK_EQUAL(judged(request, ok()), words(ineligible::method));
  request.method = "GET";
  request.framing = body_framing::length;
  CAF_CHECK_EQUAL(judged(request, ok()), words(ineligible::method));
  for (auto status : {203u, 204u, 301u, 304u, 404u, 500u}) {
    auto response = ok();
    response.status = status;
    CAF_CHECK_EQUAL(judged(get(), response), words(ineligible::status));
  }
}

CAF_TEST(a body of unknown length passes through) {
  auto response = ok();
  response.framing = body_framing::chunked;
  response.content_length.reset();
  CAF_CHECK_EQUAL(judged(get(), response), words(ineligible::unknown_length));
}

CAF_TEST(an origin has to offer ranges of bytes) {
  for (auto value : {"none", "", "pages"})
    CAF_CHECK_EQUAL(judged(get(), with(ok(), "Accept-Ranges", value)),
                    words(ineligible::no_ranges));
  CAF_CHECK_EQUAL(judged(get(), without(ok(), "Accept-Ranges")),
                  words(ineligible::no_ranges));
}

CAF_TEST(small bodies pass through) {
  auto small = [](uint64_t length) {
    auto x = ok();
    x.content_length = length;
    return x;
  };
  CAF_CHECK_EQUAL(judged(get(), small(1_MiB - 1)),
                  words(ineligible::too_small));
  CAF_CHECK_EQUAL(judged(get(), small(1_MiB)), "eligible");
  pool_policy all{true, 0, false, {}};
  CAF_CHECK_EQUAL(judged(get(), small(0), all), words(ineligible::too_small));
  CAF_CHECK_EQUAL(judged(get(), small(1), all), "eligible");
}

CAF_TEST(two versions must be told apart) {
  auto none = words(ineligible::no_validator);
  CAF_CHECK_EQUAL(judged(get(), without(ok(), "ETag")), none);
  CAF_CHECK_EQUAL(judged(get(), with(ok(), "ETag", "W/\"v1\"")), none);
}

CAF_TEST(a date tells versions apart a second after the last change) {
  // RFC 9110, 8.8.2.2.
  auto answered = [](std::optional<std::string> date, const char* changed) {
    auto x = with(without(ok(), "ETag"), "Last-Modified", changed);
    return judged(get(), date ? with(x, "Date", *date) : x);
  };
  auto none = words(ineligible::no_validator);
  auto changed = "Wed, 01 May 2024 10:00:00 GMT";
  CAF_CHECK_EQUAL(answered("Wed, 01 May 2024 10:00:01 GMT", changed),
                  "eligible");
  CAF_CHECK_EQUAL(answered("Wednesday, 01-May-24 10:00:01 GMT", changed),
                  "eligible");
  CAF_CHECK_EQUAL(answered("Thu, 02 May 2024 09:00:00 GMT", changed),
                  "eligible");
  CAF_CHECK_EQUAL(answered(changed, changed), none);
  CAF_CHECK_EQUAL(answered("Wednesday, 01-May-24 10:00:00 GMT", changed), none);
  CAF_CHECK_EQUAL(answered("Wed, 01 May 2024 09:59:59 GMT", changed), none);
  CAF_CHECK_EQUAL(answered(std::nullopt, changed), none);
  CAF_CHECK_EQUAL(answered("today", changed), none);
  CAF_CHECK_EQUAL(answered("Wed, 01 May 2024 10:00:01 GMT", "yesterday"), none);
  auto strong = with(with(ok(), "Last-Modified", changed), "Date", changed);
  CAF_CHECK_EQUAL(judged(get(), strong), "eligible");
}

CAF_TEST(an encoded body needs a strong entity tag) {
  auto dated = with(with(without(ok(), "ETag"), "Last-Modified",
                         "Wed, 01 May 2024 10:00:00 GMT"),
                    "Date", "Thu, 02 May 2024 10:00:00 GMT");
  CAF_CHECK_EQUAL(judged(get(), with(dated, "Content-Encoding", "gzip")),
                  words(ineligible::encoded));
  CAF_CHECK_EQUAL(judged(get(), with(dated, "Content-Encoding", "identity")),
                  "eligible");
  CAF_CHECK_EQUAL(judged(get(), with(ok(), "Content-Encoding", "gzip")),
                  "eligible");
}

CAF_TEST(what varies by anything passes through) {
  CAF_CHECK_EQUAL(judged(get(), with(ok(), "Vary", "Accept, *")),
                  words(ineligible::varies));
  CAF_CHECK_EQUAL(judged(get(), with(ok(), "Vary", "Accept-Encoding")),
                  "eligible");
}

CAF_TEST(credentials are shared only when the user allows it) {
  pool_policy shares{true, 1, true, {}};
  auto check = [&](const request_head& request, const response_head& response,
                   ineligible why) {
    CAF_CHECK_EQUAL(judged(request, response), words(why));
    CAF_CHECK_EQUAL(judged(request, response, shares), "eligible");
  };
  check(get("http://a/x", {{"cookie", "a=b"}}), ok(), ineligible::credentials);
  check(get("http://a/x", {{"Authorization", "Basic eA=="}}), ok(),
        ineligible::credentials);
  check(get("http://a/x", {{"X-Api-Key", "1"}}), ok(), ineligible::credentials);
  check(get("http://a/x", {{"Private-Token", "1"}}), ok(),
        ineligible::credentials);
  check(get("http://me@a/x"), ok(), ineligible::secret_in_url);
  check(get("http://a/x?a=b&x-amz-signature=1"), ok(),
        ineligible::secret_in_url);
  check(get(), with(ok(), "Set-Cookie", "a=b"), ineligible::personal_response);
  check(get(), with(ok(), "Cache-Control", "max-age=0, Private"),
        ineligible::personal_response);
}

CAF_TEST(nothing of a connection that has logged in is pooled) {
  pool_policy shares{true, 1, true, {}};
  auto request = get();
  request.login = 7;
  CAF_CHECK_EQUAL(judged(request, ok()), words(ineligible::credentials));
  CAF_CHECK_EQUAL(judged(request, ok(), shares),
                  words(ineligible::credentials));
}

CAF_TEST(private is about one user unless it names a field) {
  // RFC 9111, 5.2.2.7.
  auto with_control = [](const char* value) {
    return judged(get(), with(ok(), "Cache-Control", value));
  };
  CAF_CHECK_EQUAL(with_control("private"),
                  words(ineligible::personal_response));
  CAF_CHECK_EQUAL(with_control("public, PRIVATE"),
                  words(ineligible::personal_response));
  CAF_CHECK_EQUAL(with_control("private=\"x-user\""), "eligible");
  CAF_CHECK_EQUAL(with_control("x-private"), "eligible");
}

CAF_TEST(what may not be stored may still be pooled) {
  // RFC 9111, 5.2.1.5 and 5.2.2.5: peers store nothing.
  CAF_CHECK_EQUAL(judged(get(), with(ok(), "Cache-Control", "no-store")),
                  "eligible");
  CAF_CHECK_EQUAL(
      judged(get("http://a/x", {{"Cache-Control", "no-store"}}), ok()),
      "eligible");
}

CAF_TEST(credentials for the proxy itself go no further) {
  // RFC 9110, 11.7.2.
  auto request = get("http://a/x", {{"Proxy-Authorization", "Basic eA=="}});
  CAF_CHECK_EQUAL(judged(request, ok()), "eligible");
  for (auto what : {credentials::keep, credentials::drop}) {
    auto range = make_range_request(request, {0, 1}, version_1, what);
    CAF_CHECK(!range.fields.find("Proxy-Authorization"));
  }
}

CAF_TEST(nothing of some hosts is pooled whatever else is allowed) {
  pool_policy policy{true, 1, true, {*parse_host_pattern("a.example")}};
  auto judged_at = [&](const char* target) {
    return judged(get(target), ok(), policy);
  };
  CAF_CHECK_EQUAL(judged_at("http://a.example/x"),
                  words(ineligible::never_host));
  CAF_CHECK_EQUAL(judged_at("http://www.A.example.:8080/x"),
                  words(ineligible::never_host));
  CAF_CHECK_EQUAL(judged_at("http://b.example/x"), "eligible");
}

CAF_TEST(pooling can be switched off) {
  CAF_CHECK_EQUAL(judged(get(), ok(), {false, 0, true, {}}),
                  words(ineligible::disabled));
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

// -- forwarding ---------------------------------------------------------------

CAF_TEST(fields of one connection are not passed on) {
  http_fields fields{{"Host", "a"},
                     {"Connection", "close, X-One, host"},
                     {"connection", "x-two"},
                     {"X-One", "1"},
                     {"X-Two", "2"},
                     {"X-Three", "3"},
                     {"Keep-Alive", "1"},
                     {"Proxy-Connection", "close"},
                     {"Proxy-Authorization", "x"},
                     {"Proxy-Status", "x"},
                     {"PeaPod-Exit", "own"},
                     {"TE", "trailers"},
                     {"Trailer", "X"},
                     {"Transfer-Encoding", "chunked"},
                     {"Upgrade", "h2c"}};
  strip_hop_by_hop(fields);
  CAF_CHECK(
      fields
      == (http_fields{{"Host", "a"}, {"X-Three", "3"}, {"Proxy-Status", "x"}}));
}

CAF_TEST(an upgrade is passed on only when asked for and announced) {
  http_fields fields{{"Connection", "keep-alive, Upgrade"},
                     {"Upgrade", "websocket"}};
  auto kept = fields;
  strip_hop_by_hop(kept, upgrades::keep);
  CAF_CHECK(
      kept
      == (http_fields{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}));
  strip_hop_by_hop(fields);
  CAF_CHECK_EQUAL(fields.size(), 0u);
  http_fields unannounced{{"Upgrade", "websocket"}};
  strip_hop_by_hop(unannounced, upgrades::keep);
  CAF_CHECK_EQUAL(unannounced.size(), 0u);
}

CAF_TEST(an answer that demands an upgrade keeps it however it is announced) {
  for (const auto* connection : {"close", "Upgrade", "close, upgrade"}) {
    http_fields fields{{"Connection", connection},
                       {"Upgrade", "websocket, h2c"},
                       {"Upgrade", "IRC/6.9"}};
    strip_hop_by_hop(fields, upgrades::require);
    CAF_CHECK(fields
              == (http_fields{{"Connection", "Upgrade"},
                              {"Upgrade", "websocket, IRC/6.9"}}));
  }
  for (http_fields none : {http_fields{{"Connection", "upgrade"}},
                           http_fields{{"Upgrade", "h2c"}}}) {
    strip_hop_by_hop(none, upgrades::require);
    CAF_CHECK_EQUAL(none.size(), 0u);
  }
}

CAF_TEST(a proxy recognizes itself in via) {
  http_fields fields{{"Via", "1.0 fred, HTTP/1.1 other (peapod-1)"}};
  CAF_CHECK(!via_names(fields, "peapod-1"));
  add_via(fields, 11, "peapod-1");
  CAF_CHECK(via_names(fields, "PeaPod-1"));
  CAF_CHECK(!via_names(fields, "peapod"));
  CAF_CHECK(via_names(fields, "other"));
  CAF_CHECK(!via_names({{"Via", "1.1"}}, ""));
  CAF_CHECK_EQUAL(fields.joined("Via"),
                  "1.0 fred, HTTP/1.1 other (peapod-1), 1.1 peapod-1");
  http_fields old;
  add_via(old, 10, "p");
  CAF_CHECK_EQUAL(old.joined("Via"), "1.0 p");
}
