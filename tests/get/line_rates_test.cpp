#define CAF_SUITE line_rates

#include "hosts/get/line_rates.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::sys_seconds now{1'800'000'000s};
constexpr uint64_t mbit = 125'000;

device_id id(uint8_t x) {
  device_id out;
  out.bytes[0] = x;
  return out;
}

const std::vector<upload_line> lines{{id(1), "me", true, true},
                                     {id(2), "laptop", false, true},
                                     {id(3), "phone", false, true}};

line_rates known(uint64_t own, uint64_t laptop, uint64_t phone) {
  line_rates out;
  if (own > 0)
    out.up[own_line] = {own * mbit, now};
  if (laptop > 0)
    out.up[to_string(id(2))] = {laptop * mbit, now};
  if (phone > 0)
    out.up[to_string(id(3))] = {phone * mbit, now};
  return out;
}

} // namespace

CAF_TEST(the fastest line is taken and it is said why) {
  auto choice = choose_line(lines, known(12, 48, 20));
  CAF_CHECK(choice.id == id(2));
  CAF_CHECK(!choice.own);
  CAF_CHECK_EQUAL(choice.text,
                  "laptop (measured 48.0 Mbit/s, own line 12.0 Mbit/s)");
}

CAF_TEST(the own line is taken when nothing is known or little is won) {
  CAF_CHECK(choose_line(lines, {}).own);
  CAF_CHECK(choose_line(lines, {}).id == id(1));
  CAF_CHECK(choose_line(lines, known(12, 0, 0)).own);
  CAF_CHECK(choose_line(lines, known(0, 48, 20)).own);
  auto near = choose_line(lines, known(12, 14, 10));
  CAF_CHECK(near.own);
  CAF_CHECK_EQUAL(near.text, "this device's own line (none is much faster)");
}

CAF_TEST(a line that adds nothing is not taken) {
  auto some = lines;
  some[1].adds = false;
  CAF_CHECK(choose_line(some, known(12, 48, 20)).id == id(3));
}

CAF_TEST(downloads say something where no upload was measured) {
  line_rates x;
  x.down[own_line] = {10 * mbit, now};
  x.down[to_string(id(3))] = {30 * mbit, now};
  auto choice = choose_line(lines, x);
  CAF_CHECK(choice.id == id(3));
  CAF_CHECK_EQUAL(
      choice.text,
      "phone (downloads came at 30.0 Mbit/s, own line 10.0 Mbit/s)");
  x.down[to_string(id(3))] = {15 * mbit, now};
  CAF_CHECK(choose_line(lines, x).own);
}

CAF_TEST(rates are kept for a day) {
  auto x = known(12, 48, 20);
  x.down[own_line] = {7, now - 1h};
  CAF_CHECK(parse_line_rates(to_text(x), now) == x);
  CAF_CHECK(parse_line_rates(to_text(x), now + 25h) == line_rates{});
  CAF_CHECK(parse_line_rates(to_text(x), now - 2h) == line_rates{});
}

CAF_TEST(what makes no sense is left out) {
  for (auto text :
       {"", "7", "[]", R"({"up":7})", R"({"up":{"a":[1]}})",
        R"({"up":{"a":[-1,1800000000]}})", R"({"up":{"a":[0,1800000000]}})",
        R"({"up":{"a":[1,"x"]}})", R"({"up":{"a":[1,1e99]}})"})
    CAF_CHECK(parse_line_rates(text, now) == line_rates{});
}
