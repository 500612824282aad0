#include "hosts/common/ini_reader.hpp"

#include <string>

#define CAF_SUITE ini_reader
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

std::string repeated(size_t n, const std::string& part) {
  std::string out;
  for (size_t i = 0; i < n; ++i)
    out += part;
  return out;
}

/// The line of the only problem, or 0.
int problem_line(const std::string& text) {
  auto problems = read_ini(text).problems;
  return problems.size() == 1 ? problems.front().line : 0;
}

} // namespace

CAF_TEST(deep nesting is refused and does not exhaust the stack) {
  constexpr size_t deep = 300'000;
  CAF_CHECK_EQUAL(problem_line("[a]\nb=" + repeated(deep, "[")), 2);
  CAF_CHECK_EQUAL(problem_line("[a]\nb=" + repeated(deep, "{c=")), 2);
  CAF_CHECK_EQUAL(problem_line("[a]\nb=[\n" + repeated(deep, "[\n")), 10);
  CAF_CHECK_EQUAL(problem_line("\n[a" + repeated(deep, ".a") + "]\nb=1\n"), 2);
  CAF_CHECK_EQUAL(problem_line("[a]\nb=" + repeated(deep, "[<x:;>,")), 2);
}

CAF_TEST(brackets in texts and comments are no nesting) {
  auto many = repeated(100, "[{.");
  auto out = read_ini("; " + many + "\n[a] ; " + many + "\nb=\"\\\"" + many
                      + "\"\nc=1 ; 1.1.1.1\nd=[1.5, 2.5]\n");
  CAF_CHECK(out.problems.empty());
  CAF_CHECK_EQUAL(out.entries.size(), 3u);
}

CAF_TEST(any number of lists and sections follow each other) {
  auto out = read_ini(repeated(1000, "[a.b]\nc=[[1], {d=2}]\ne=0.5\n"));
  CAF_CHECK(out.problems.empty());
  CAF_CHECK_EQUAL(out.entries.size(), 2000u);
}

CAF_TEST(a problem before deep nesting is the one that is told) {
  CAF_CHECK_EQUAL(problem_line("[a]\nb=?\nc=" + repeated(99, "[")), 2);
  CAF_CHECK_EQUAL(problem_line("[a]\nb=\nc=" + repeated(99, "[")), 2);
}

CAF_TEST(an empty first line counts) {
  CAF_CHECK_EQUAL(problem_line("\n[a]\nb=?\n"), 3);
  CAF_CHECK_EQUAL(problem_line("\n[a]\nb=\n"), 3);
  CAF_CHECK_EQUAL(problem_line("\n?"), 2);
  auto text = read_ini("\n[a]\nb=1\n");
  CAF_CHECK_EQUAL(text.entries.at(0).line, 3);
}

CAF_TEST(a duration that overflows is refused) {
  for (auto value :
       {"18446744074s", "-18446744074s", "9999999999h", "0x44b82fa0as",
        "18446744073709553ms", "307445735min", "99999999999999999999ns"})
    CAF_CHECK_EQUAL(problem_line("[a]\nb=" + std::string{value} + "\n"), 2);
}

CAF_TEST(durations that fit are taken in every unit) {
  for (auto value : {"60000000000ns", "60000000us", "60000ms", "-60s", "60s",
                     "12345min", "12345h", "[1s,20000000us]"})
    CAF_CHECK_EQUAL(problem_line("[a]\nb=" + std::string{value} + "\n"), 0);
}
