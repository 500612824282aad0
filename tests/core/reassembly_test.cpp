#define CAF_SUITE reassembly

#include "core/reassembly.hpp"

#include <random>
#include <string>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

std::string take(reassembly& x, uint64_t limit = 100,
                 uint64_t barrier = UINT64_MAX) {
  return std::string{x.next(limit, barrier).text()};
}

} // namespace

CAF_TEST(pieces come out in order however they came in) {
  reassembly x{{0, 9}};
  CAF_CHECK_EQUAL(x.insert(6, slice{"ghi"}), 3u);
  CAF_CHECK_EQUAL(take(x), "");
  CAF_CHECK_EQUAL(x.insert(0, slice{"abc"}), 3u);
  CAF_CHECK_EQUAL(take(x), "abc");
  CAF_CHECK_EQUAL(take(x), "");
  CAF_CHECK_EQUAL(x.insert(3, slice{"def"}), 3u);
  CAF_CHECK(x.complete() && !x.finished());
  CAF_CHECK_EQUAL(take(x), "def");
  CAF_CHECK_EQUAL(take(x), "ghi");
  CAF_CHECK(x.finished());
}

CAF_TEST(the first bytes for an offset win) {
  reassembly x{{0, 8}};
  CAF_CHECK_EQUAL(x.insert(2, slice{"cd"}), 2u);
  CAF_CHECK_EQUAL(x.insert(0, slice{"ABCDEF"}), 4u);
  CAF_CHECK_EQUAL(take(x), "AB");
  CAF_CHECK_EQUAL(take(x), "cd");
  CAF_CHECK_EQUAL(take(x), "EF");
  CAF_CHECK_EQUAL(x.insert(0, slice{"abcdefgh"}), 2u);
  CAF_CHECK_EQUAL(take(x), "gh");
}

CAF_TEST(limits and barriers cut what comes out) {
  reassembly x{{0, 8}};
  x.insert(0, slice{"abcdefgh"});
  CAF_CHECK_EQUAL(take(x, 3), "abc");
  CAF_CHECK_EQUAL(take(x, 100, 5), "de");
  CAF_CHECK_EQUAL(take(x, 100, 5), "");
  CAF_CHECK_EQUAL(take(x, 0), "");
  CAF_CHECK_EQUAL(x.buffered(), 3u);
  CAF_CHECK_EQUAL(x.head(), 5u);
  CAF_CHECK_EQUAL(take(x), "fgh");
}

CAF_TEST(what lies outside of the body is dropped) {
  reassembly x{{10, 14}};
  CAF_CHECK_EQUAL(x.insert(8, slice{"..abcd.."}), 4u);
  CAF_CHECK_EQUAL(x.insert(20, slice{"zzz"}), 0u);
  CAF_CHECK_EQUAL(x.insert(0, slice{"zzz"}), 0u);
  CAF_CHECK_EQUAL(take(x), "abcd");
}

CAF_TEST(any order of pieces gives the body exactly) {
  std::mt19937 random{11};
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += static_cast<char>('a' + random() % 26);
  for (int round = 0; round < 100; ++round) {
    reassembly x{{0, text.size()}};
    std::string out;
    uint64_t added = 0;
    while (!x.finished()) {
      auto begin = random() % text.size();
      auto size = 1 + random() % 40;
      added += x.insert(begin, slice{text.substr(begin, size)});
      out += take(x, 1 + random() % 30);
    }
    CAF_CHECK_EQUAL(out, text);
    CAF_CHECK_EQUAL(added, text.size());
    CAF_CHECK_EQUAL(x.buffered(), 0u);
  }
}
