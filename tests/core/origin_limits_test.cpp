#define CAF_SUITE origin_limits

#include "core/origin_limits.hpp"

#include <chrono>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

struct origin_limits_fixture {
  origin_limits book;
  instant now = instant{100s};
  origin_limits::key here{device_id::from(std::vector<uint8_t>(16, 1)),
                          "http://origin"};
  origin_limits::key other{device_id::from(std::vector<uint8_t>(16, 2)),
                           "http://origin"};

  bool allows(size_t active) {
    book.expire(now);
    return book.allows(here, active, now);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(origin_limits_tests, origin_limits_fixture)

CAF_TEST(an origin that says nothing takes everything) {
  CAF_CHECK(allows(100));
  CAF_CHECK(!book.cap(here));
  CAF_CHECK(!book.deadline());
}

CAF_TEST(the requests that were under way are what it takes) {
  book.turned_away(here, 2, std::nullopt, now);
  CAF_CHECK(allows(1));
  CAF_CHECK(!allows(2));
  CAF_CHECK(book.allows(other, 2, now));
}

CAF_TEST(who has no request under way rests longer each time) {
  duration last{};
  for (int i = 0; i < 8; ++i) {
    book.turned_away(here, 0, std::nullopt, now);
    CAF_REQUIRE(!allows(0));
    auto rest = *book.deadline() - now;
    CAF_CHECK(rest >= last && rest <= 30s);
    last = rest;
    now += rest;
    CAF_CHECK(allows(0));
    now += 2s;
  }
  CAF_CHECK(last == 30s);
}

CAF_TEST(requests that are turned away together are one complaint) {
  book.turned_away(here, 2, std::nullopt, now);
  book.turned_away(here, 1, std::nullopt, now);
  book.turned_away(here, 0, std::nullopt, now);
  CAF_CHECK_EQUAL(book.entries().at(here).complaints, 1u);
  CAF_CHECK(book.cap(here) == 1u);
  CAF_CHECK(*book.deadline() == now + 1s);
}

CAF_TEST(what the origin says about when holds within bounds) {
  book.turned_away(here, 3, 7s, now);
  CAF_CHECK(*book.deadline() == now + 7s);
  CAF_CHECK(!allows(0));
  now += 7s;
  CAF_CHECK(allows(0));
  book.turned_away(here, 3, 1h, now);
  CAF_CHECK(*book.deadline() == now + 30s);
}

CAF_TEST(one more is tried after a while and the more seldom it fails) {
  book.turned_away(here, 1, std::nullopt, now);
  now += 10s;
  book.answered(here, now);
  CAF_CHECK(book.cap(here) == 1u);
  now += 10s;
  book.answered(here, now);
  CAF_CHECK(book.cap(here) == 2u);
  book.turned_away(here, 1, std::nullopt, now);
  CAF_CHECK(book.cap(here) == 1u);
  now += 20s;
  book.answered(here, now);
  CAF_CHECK(book.cap(here) == 1u);
  now += 20s;
  book.answered(here, now);
  CAF_CHECK(book.cap(here) == 2u);
}

CAF_TEST(a cap that nobody reaches is forgotten) {
  book.turned_away(here, 1, std::nullopt, now);
  for (int i = 0; i < 7; ++i) {
    now += 20s;
    book.answered(here, now);
  }
  CAF_CHECK(book.entries().empty());
}

CAF_TEST(a refusal holds for one source and longer each time) {
  for (auto time : {1min, 2min, 4min, 8min, 10min, 10min}) {
    book.refused(here, now);
    book.refused(here, now + 1s); // of the same body
    CAF_CHECK(book.leaves_out(here, now, now + time - 1s));
    CAF_CHECK(!book.leaves_out(here, now, now + time));
    CAF_CHECK(!book.leaves_out(other, now, now));
    // What had begun before goes on.
    CAF_CHECK(!book.leaves_out(here, now - 1s, now));
    now += time;
  }
  book.answered(here, now);
  book.refused(here, now);
  CAF_CHECK(!book.leaves_out(here, now, now + 1min));
}

CAF_TEST(what is remembered is bounded) {
  for (int i = 0; i < 10'000; ++i)
    book.refused({here.first, std::to_string(i)}, now);
  CAF_CHECK(book.entries().size() <= 4096);
  CAF_CHECK(book.leaves_out({here.first, "9999"}, now, now));
}

CAF_TEST_FIXTURE_SCOPE_END()
