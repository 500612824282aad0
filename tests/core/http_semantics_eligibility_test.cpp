#define CAF_SUITE http_semantics_eligibility

#include "tests/core/http_semantics_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::test;

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
