#define CAF_SUITE interval_set

#include "core/interval_set.hpp"

#include <random>
#include <string>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

/// The set as ranges, read through its own interface.
std::string picture(const interval_set& x) {
  std::string out;
  for (auto i = x.first_from(0); i; i = x.first_from(i->end))
    out += to_string(*i);
  return out;
}

} // namespace

CAF_TEST(ranges that overlap or touch become one) {
  interval_set x;
  x.insert({10, 20});
  x.insert({30, 40});
  CAF_CHECK_EQUAL(picture(x), "[10,20)[30,40)");
  x.insert({20, 25});
  CAF_CHECK_EQUAL(picture(x), "[10,25)[30,40)");
  x.insert({5, 35});
  CAF_CHECK_EQUAL(picture(x), "[5,40)");
  CAF_CHECK_EQUAL(x.size(), 35u);
  x.insert({7, 7});
  CAF_CHECK_EQUAL(picture(x), "[5,40)");
}

CAF_TEST(erasing splits and cuts) {
  interval_set x;
  x.insert({0, 100});
  x.erase({40, 60});
  CAF_CHECK_EQUAL(picture(x), "[0,40)[60,100)");
  x.erase({30, 70});
  CAF_CHECK_EQUAL(picture(x), "[0,30)[70,100)");
  x.erase({0, 10});
  x.erase({90, 200});
  CAF_CHECK_EQUAL(picture(x), "[10,30)[70,90)");
  x.erase({15, 15});
  CAF_CHECK_EQUAL(x.size(), 40u);
}

CAF_TEST(gaps are what is missing in order) {
  interval_set x;
  x.insert({10, 20});
  x.insert({30, 40});
  auto gaps = x.gaps({0, 50});
  CAF_REQUIRE_EQUAL(gaps.size(), 3u);
  CAF_CHECK_EQUAL(to_string(gaps[0]), "[0,10)");
  CAF_CHECK_EQUAL(to_string(gaps[1]), "[20,30)");
  CAF_CHECK_EQUAL(to_string(gaps[2]), "[40,50)");
  CAF_CHECK(x.gaps({12, 18}).empty());
  CAF_CHECK_EQUAL(x.gaps({15, 32}).size(), 1u);
}

CAF_TEST(containing and intersecting respect half open ends) {
  interval_set x;
  x.insert({10, 20});
  CAF_CHECK(x.contains({10, 20}));
  CAF_CHECK(!x.contains({10, 21}));
  CAF_CHECK(!x.contains({9, 12}));
  CAF_CHECK(x.contains({50, 50}));
  CAF_CHECK(x.intersects({19, 30}));
  CAF_CHECK(!x.intersects({20, 30}));
  CAF_CHECK(!x.intersects({0, 10}));
  CAF_CHECK(!x.intersects({12, 12}));
}

CAF_TEST(any sequence agrees with a plain table of offsets) {
  std::mt19937 random{7};
  for (int round = 0; round < 200; ++round) {
    interval_set x;
    std::vector<bool> table(64);
    for (int i = 0; i < 40; ++i) {
      byte_range range{random() % 64, random() % 65};
      bool add = random() % 2;
      add ? x.insert(range) : x.erase(range);
      for (auto at = range.begin; at < range.end; ++at)
        table[at] = add;
    }
    uint64_t size = 0;
    for (uint64_t at = 0; at < table.size(); ++at) {
      size += table[at];
      if (x.contains({at, at + 1}) != table[at])
        CAF_FAIL("round " << round << " offset " << at << ": " << picture(x));
    }
    CAF_CHECK_EQUAL(x.size(), size);
    uint64_t missing = 0;
    for (auto gap : x.gaps({0, 64}))
      missing += gap.size();
    CAF_CHECK_EQUAL(missing, 64 - size);
  }
}
