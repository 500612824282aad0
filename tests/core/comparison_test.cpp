#define CAF_SUITE comparison

#include "core/comparison.hpp"

#include <string>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

const device_id peer{{'p'}};
const device_id other{{'q'}};

slice letters(std::string_view text) {
  return slice{text};
}

/// What is asked next, as `number[begin,end)`, with `!` when it is again.
std::string asks(comparison& x) {
  std::string out;
  while (auto y = x.poll())
    out += (out.empty() ? "" : " ") + std::to_string(y->number)
           + to_string(y->range) + (y->again ? "!" : "");
  return out;
}

} // namespace

CAF_TEST(the front of the body is asked for first and ever more at a time) {
  comparison x;
  x.add(peer, 40, letters("ee"), true);
  x.add(peer, 30, letters("dd"), true);
  x.add(peer, 20, letters("cc"), true);
  x.add(other, 10, letters("bb"), true);
  x.add(peer, 0, letters("aa"), true);
  CAF_CHECK_EQUAL(asks(x), "5[0,2)");
  CAF_CHECK(x.answered(5, letters("aa"))->what == comparison::verdict::same);
  CAF_CHECK_EQUAL(asks(x), "4[10,12) 3[20,22)");
  CAF_CHECK(x.answered(4, letters("bb"))->what == comparison::verdict::same);
  CAF_CHECK_EQUAL(asks(x), "2[30,32) 1[40,42)");
}

CAF_TEST(after no answer one is asked for at a time again) {
  comparison x;
  for (uint64_t i = 0; i < 5; ++i)
    x.add(peer, 10 * i, letters("aa"), true);
  asks(x);
  x.answered(1, letters("aa"));
  CAF_CHECK_EQUAL(asks(x), "2[10,12) 3[20,22)");
  x.unanswered(2);
  CAF_CHECK_EQUAL(asks(x), "");
  x.answered(3, letters("aa"));
  CAF_CHECK_EQUAL(asks(x), "4[30,32) 5[40,42)");
}

CAF_TEST(what is held is let go with its answer) {
  comparison x;
  x.add(peer, 20, letters("cc"), true);
  x.add(other, 10, letters("bb"), false);
  CAF_CHECK(x.first_held() == 20u);
  CAF_CHECK(x.holds(peer) && !x.holds(other));
  CAF_CHECK_EQUAL(x.others(), 1u);
  asks(x);
  auto found = x.answered(1, letters("cc"));
  CAF_REQUIRE(found.has_value());
  CAF_CHECK(found->source == peer && found->holds);
  CAF_CHECK(!x.first_held());
}

CAF_TEST(who differs is a liar only when the origin says so twice) {
  comparison x;
  x.add(peer, 0, letters("aX"), true);
  CAF_CHECK_EQUAL(asks(x), "1[0,2)");
  CAF_CHECK(!x.answered(1, letters("aa")));
  CAF_CHECK_EQUAL(asks(x), "2[0,2)!");
  CAF_CHECK(!x.answered(1, letters("aX"))); // late, and not the second one
  CAF_CHECK(x.first_held() == 0u);
  CAF_CHECK(x.answered(2, letters("aa"))->what == comparison::verdict::lied);
}

CAF_TEST(an origin that contradicts itself accuses nobody) {
  for (auto second : {"aX", "ab", "a", ""}) {
    comparison x;
    x.add(peer, 0, letters("aX"), true);
    asks(x);
    x.answered(1, letters("aa"));
    asks(x);
    CAF_CHECK(x.answered(2, letters(second))->what
              == comparison::verdict::inconsistent);
  }
}

CAF_TEST(no answer is no verdict but no second one is a contradiction) {
  comparison x;
  x.add(peer, 0, letters("aX"), true);
  x.add(peer, 10, letters("bb"), true);
  asks(x);
  CAF_CHECK(x.unanswered(2)->what == comparison::verdict::unanswered);
  x.answered(1, letters("aa"));
  asks(x);
  CAF_CHECK(x.unanswered(3)->what == comparison::verdict::inconsistent);
  CAF_CHECK(!x.unanswered(3));
}

CAF_TEST(what is released does not hold any more unless it is suspicious) {
  comparison x;
  x.add(peer, 0, letters("aX"), true);
  x.add(peer, 10, letters("bb"), true);
  x.add(peer, 20, letters("cc"), false);
  asks(x);
  x.answered(1, letters("aa"));
  CAF_CHECK_EQUAL(x.release(), 1u);
  CAF_CHECK(x.first_held() == 0u);
  CAF_CHECK_EQUAL(x.others(), 1u);
}

CAF_TEST(what a forgotten source brought is not asked about) {
  comparison x;
  x.add(peer, 0, letters("aa"), true);
  x.add(other, 10, letters("bb"), true);
  asks(x);
  x.forget(peer);
  CAF_CHECK(!x.answered(1, letters("zz")));
  CAF_CHECK(x.first_held() == 10u);
}
