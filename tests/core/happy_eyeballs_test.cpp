#include "core/happy_eyeballs.hpp"

#include <string>

#define CAF_SUITE happy_eyeballs
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

/// A race under a virtual clock; the addresses are single letters, upper case
/// for IPv6.
struct happy_eyeballs_fixture {
  happy_eyeballs<char> race;
  instant now{};
  std::string begun; ///< what was attempted, with a dot for each 10 ms

  void found(address_family family, const std::string& letters) {
    race.found(family, {letters.begin(), letters.end()}, now);
    drain();
  }
  void v6(const std::string& letters) {
    found(address_family::v6, letters);
  }
  void v4(const std::string& letters) {
    found(address_family::v4, letters);
  }
  void fail() {
    race.attempt_failed(now);
    drain();
  }
  void drain() {
    while (auto x = race.poll())
      begun += *x;
  }
  /// Lets time pass; the machine is woken when it asked to be.
  void pass(duration span) {
    for (auto end = now + span; now < end;) {
      now += 10ms;
      begun += '.';
      if (auto deadline = race.deadline(); deadline && *deadline <= now)
        race.expire(now);
      drain();
    }
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(happy_eyeballs_tests, happy_eyeballs_fixture)

CAF_TEST(the families take turns and the new one begins) {
  v4("ab");
  v6("ABC");
  for (int i = 0; i < 4; ++i)
    fail();
  CAF_CHECK_EQUAL(begun, "AaBbC");
}

CAF_TEST(attempts join each other after a quarter of a second) {
  v6("A");
  v4("a");
  CAF_CHECK_EQUAL(begun, "A");
  pass(240ms);
  CAF_CHECK_EQUAL(begun, "A" + std::string(24, '.'));
  pass(10ms);
  CAF_CHECK_EQUAL(begun, "A" + std::string(25, '.') + "a");
}

CAF_TEST(a failed attempt makes room at once) {
  v6("A");
  v4("ab");
  pass(50ms);
  fail();
  CAF_CHECK_EQUAL(begun, "A.....a");
  pass(30ms);
  fail();
  CAF_CHECK_EQUAL(begun, "A.....a...b");
}

CAF_TEST(the new family does not wait for the old one) {
  v6("A");
  CAF_CHECK_EQUAL(begun, "A");
  pass(100ms);
  v4("a");
  CAF_CHECK_EQUAL(begun, "A..........");
  pass(150ms);
  CAF_CHECK_EQUAL(begun, "A" + std::string(25, '.') + "a");
}

CAF_TEST(the old family waits fifty milliseconds for the new one) {
  v4("a");
  CAF_CHECK_EQUAL(begun, "");
  pass(40ms);
  CAF_CHECK_EQUAL(begun, "....");
  pass(10ms);
  CAF_CHECK_EQUAL(begun, ".....a");
}

CAF_TEST(a new family that comes in time is first) {
  v4("a");
  pass(30ms);
  v6("A");
  CAF_CHECK_EQUAL(begun, "...A");
}

CAF_TEST(a new family that comes late is next) {
  v4("ab");
  pass(100ms);
  v6("A");
  CAF_CHECK_EQUAL(begun, ".....a.....");
  fail();
  CAF_CHECK_EQUAL(begun, ".....a.....A");
}

CAF_TEST(a name without the new family is not waited for) {
  v6("");
  v4("a");
  CAF_CHECK_EQUAL(begun, "a");
  pass(1s);
  CAF_CHECK(!race.exhausted());
  fail();
  CAF_CHECK(race.exhausted());
}

CAF_TEST(the new family failing ends the wait of the old one) {
  v4("a");
  pass(20ms);
  v6("");
  CAF_CHECK_EQUAL(begun, "..a");
}

CAF_TEST(nothing is over while a lookup may still bring addresses) {
  v6("A");
  fail();
  CAF_CHECK(!race.exhausted());
  v4("");
  CAF_CHECK(race.exhausted());
}

CAF_TEST(a name without any address is exhausted) {
  v4("");
  CAF_CHECK(!race.exhausted());
  v6("");
  CAF_CHECK(race.exhausted());
  CAF_CHECK(!race.deadline());
}

CAF_TEST(spurious wakeups do no harm) {
  v6("AB");
  v4("");
  race.expire(now);
  drain();
  pass(100ms);
  race.expire(now);
  drain();
  CAF_CHECK_EQUAL(begun, "A..........");
}

CAF_TEST_FIXTURE_SCOPE_END()
