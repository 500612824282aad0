#define CAF_SUITE part_map

#include "core/part_map.hpp"

#include <rapidcheck.h>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

device_id source(uint8_t x) {
  device_id out;
  out.bytes[0] = x;
  return out;
}

/// One character a cell: `a` for source 0, `.` for nothing.
std::string picture(const part_map& x) {
  std::string out;
  for (auto& run : x.runs())
    out += std::string(
        run.cells,
        run.source ? static_cast<char>('a' + run.source->bytes[0]) : '.');
  return out;
}

} // namespace

CAF_TEST(a cell belongs to who brought most of it) {
  part_map x{{100, 200}, 10};
  CAF_CHECK_EQUAL(picture(x), "..........");
  x.add(source(0), {100, 120});
  x.add(source(1), {120, 133});
  x.add(source(2), {133, 140});
  x.add(source(1), {190, 200});
  CAF_CHECK_EQUAL(picture(x), "aabc.....b");
}

CAF_TEST(what lies outside the body does not count) {
  part_map x{{100, 200}, 10};
  x.add(source(0), {0, 100});
  x.add(source(0), {200, 300});
  CAF_CHECK_EQUAL(picture(x), "..........");
  x.add(source(0), {0, 300});
  CAF_CHECK_EQUAL(picture(x), "aaaaaaaaaa");
}

CAF_TEST(a short body has a cell for each byte) {
  part_map x{{0, 3}, 10};
  x.add(source(1), {2, 3});
  CAF_CHECK_EQUAL(picture(x), "..b");
  part_map none{{5, 5}, 10};
  none.add(source(1), {5, 6});
  CAF_CHECK_EQUAL(picture(none), "");
}

CAF_TEST(every brought byte shows and no cell is lost) {
  auto holds = [](uint64_t begin, uint64_t size, uint64_t at, uint64_t count) {
    // The sum of all three is an offset, too.
    begin %= UINT64_MAX / 4;
    size = 1 + size % (UINT64_MAX / 4);
    part_map x{{begin, begin + size}};
    auto first = begin + at % size;
    x.add(source(1), {first, first + 1 + count % (UINT64_MAX / 4)});
    auto text = picture(x);
    RC_ASSERT(text.size() == std::min<uint64_t>(size, 120));
    RC_ASSERT(text.find('b') != std::string::npos);
  };
  CAF_CHECK(rc::check("a part map", holds));
}
