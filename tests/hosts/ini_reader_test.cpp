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

/// As in `2 a.b: it cannot be read, ...`.
std::string told(const ini_text& text) {
  std::string out;
  for (auto& x : text.problems)
    out += (out.empty() ? "" : ", ") + std::to_string(x.line) + " " + x.key
           + ": " + x.what;
  return out;
}

std::string problems_of(const std::string& text) {
  return told(read_ini(text));
}

std::string lines_of(const std::string& text) {
  std::string out;
  for (auto& x : read_ini(text).problems)
    out += std::to_string(x.line) + " ";
  return out;
}

} // namespace

CAF_TEST(deep nesting is refused and does not exhaust the stack) {
  constexpr size_t deep = 300'000;
  CAF_CHECK_EQUAL(problem_line("[a]\nb=" + repeated(deep, "[")), 2);
  CAF_CHECK_EQUAL(problem_line("[a]\nb=" + repeated(deep, "{c=")), 2);
  CAF_CHECK_EQUAL(problem_line("[a]\nb=[\n" + repeated(deep, "[\n")), 2);
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

CAF_TEST(a problem before deep nesting is told as well) {
  CAF_CHECK_EQUAL(problems_of("[a]\nb=?\nc=" + repeated(99, "[")),
                  "2 a.b: it cannot be read, 3 a.c: it cannot be read");
  CAF_CHECK_EQUAL(problems_of("[a]\nb=\nc=" + repeated(99, "[")),
                  "2 a.b: a value is missing, 3 a.c: it cannot be read");
}

CAF_TEST(reading goes on behind a value that cannot be read) {
  auto out = read_ini("[a]\nb=yes\nc=1\nd=10m\n[e]\nf=1.2.3.4:5\ng=2\n");
  CAF_REQUIRE_EQUAL(out.entries.size(), 2u);
  CAF_CHECK_EQUAL(out.entries[0].key, "a.c");
  CAF_CHECK_EQUAL(out.entries[0].line, 3);
  CAF_CHECK_EQUAL(out.entries[1].key, "e.g");
  CAF_CHECK_EQUAL(out.entries[1].line, 7);
  CAF_CHECK_EQUAL(told(out),
                  "2 a.b: it cannot be read, 4 a.d: it cannot be read, "
                  "6 e.f: it cannot be read");
}

CAF_TEST(a value that is read but not all of its line is a problem) {
  auto out = read_ini("[a]\nb=10 minutes\nc=1\n");
  CAF_CHECK_EQUAL(told(out), "2 a.b: it cannot be read");
  CAF_CHECK_EQUAL(out.entries.size(), 1u);
}

CAF_TEST(a list without an end ends where something else begins) {
  auto out = read_ini("[a]\nb=[\"x\",\n  \"y\",\n\nc=1\n[d]\ne=2\n");
  CAF_CHECK_EQUAL(out.problems.size(), 1u);
  CAF_CHECK_EQUAL(out.problems.at(0).key, "a.b");
  CAF_REQUIRE_EQUAL(out.entries.size(), 2u);
  CAF_CHECK_EQUAL(out.entries[1].key, "d.e");
}

CAF_TEST(a bad list is told with the line of its key) {
  CAF_CHECK_EQUAL(problems_of("[a]\nb=[\"x\",\n\nc=1\n"),
                  "2 a.b: the list has no end");
  CAF_CHECK_EQUAL(problems_of("[a]\nb=[\"x\",\n[c]\nd=1\n"),
                  "2 a.b: the list has no end");
  CAF_CHECK_EQUAL(problems_of("[a]\nb=[1,\n2,\n"),
                  "2 a.b: the list has no end");
  CAF_CHECK_EQUAL(problems_of("[a]\nb=[1,\nno,\n2]\nc=1\n"),
                  "2 a.b: it cannot be read");
}

CAF_TEST(what stands below an unreadable section is not of the one before) {
  auto out = read_ini("[a]\nb=1\n[c d]\ne=2\nf=?\n[g]\nh=3\n");
  CAF_CHECK_EQUAL(out.problems.front().line, 3);
  CAF_REQUIRE_EQUAL(out.entries.size(), 2u);
  CAF_CHECK_EQUAL(out.entries[1].key, "g.h");
}

CAF_TEST(lines that are none of all are told each) {
  CAF_CHECK_EQUAL(lines_of("# one\n[a]\n# two\nb=1\nnonsense\n"), "1 3 5 ");
  CAF_CHECK_EQUAL(lines_of("[a]\nb=\"x\n\nc=?\nd"), "2 4 5 ");
}

CAF_TEST(whether a key may have been overlooked is known) {
  CAF_CHECK(read_ini("[a]\n# x\nb=?\nc=[1,\n").complete);
  for (auto text : {"[a b]\nc=1\n", "[a]\nb: 1\n"})
    CAF_CHECK(!read_ini(text).complete);
  CAF_CHECK(!read_ini(repeated(64, "# x\n")).complete);
}

CAF_TEST(a long text of nonsense is not read for ever) {
  CAF_CHECK_EQUAL(read_ini(repeated(1000, "?\n")).problems.size(), 64u);
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
