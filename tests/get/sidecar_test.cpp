#define CAF_SUITE sidecar

#include "hosts/get/sidecar.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

sidecar example() {
  sidecar out;
  out.from = "https://a.test/b";
  out.rep = {"\"1\"", "Mon, 01 Jan 2024 00:00:00 GMT", 1000};
  out.have = {{0, 10}, {20, 30}};
  return out;
}

/// What is wrong with a text; empty: nothing.
std::string fault_of(std::string text) {
  auto out = parse_sidecar(text);
  return out ? "" : out.error().detail;
}

} // namespace

CAF_TEST(what was written is read again) {
  auto x = example();
  auto read = parse_sidecar(to_text(x));
  CAF_REQUIRE(read.has_value());
  CAF_CHECK(*read == x);
  CAF_CHECK_EQUAL(read->prefix(), 10u);
  CAF_CHECK_EQUAL(read->extent(), 30u);
}

CAF_TEST(a text that was cut off anywhere is none) {
  auto text = to_text(example());
  text.pop_back(); // the line's end may be missing
  for (size_t n = 0; n < text.size(); ++n)
    CAF_CHECK(!parse_sidecar(text.substr(0, n)));
}

CAF_TEST(a later format is not guessed at) {
  CAF_CHECK_EQUAL(fault_of(R"({"peapod":2,"from":"x","length":1,"have":[]})"),
                  "another version of PeaPod has written it");
}

CAF_TEST(ranges have to make sense) {
  auto with = [](std::string have) {
    return fault_of(R"({"peapod":1,"from":"x","length":100,"have":)" + have
                    + "}");
  };
  CAF_CHECK_EQUAL(with("[[0,100]]"), "");
  for (auto have :
       {"[[0,101]]", "[[5,5]]", "[[10,20],[20,30]]", "[[10,20],[0,5]]",
        "[[-1,5]]", "[[0,5.5]]", "[0,5]", "{}", "[[0,5,6]]", "\"\""})
    CAF_CHECK(!with(have).empty());
}

CAF_TEST(a query is no part of the name of a resource) {
  auto x = parse_url("https://a.test/b?Signature=secret");
  CAF_REQUIRE(x.has_value());
  CAF_CHECK_EQUAL(resource_name(*x), "https://a.test/b");
}
