#include "hosts/console/series.hpp"
#include "hosts/console/source_map.hpp"

#define CAF_SUITE series
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::console;
using namespace std::chrono_literals;

namespace {

instant at(int seconds) {
  return instant{std::chrono::seconds(seconds)};
}

control::transfer with_map(std::vector<control::map_run> map) {
  control::transfer out;
  out.map = std::move(map);
  return out;
}

} // namespace

CAF_TEST(a sparkline grows with its figure) {
  series x;
  for (int i = 0; i < 60; ++i)
    x.add(at(1000 + i), i);
  CAF_CHECK_EQUAL(x.sparkline(at(1059), 8), "▁▂▃▄▅▆▇█");
}

CAF_TEST(a sparkline of nothing but zeros lies flat) {
  series x;
  for (int i = 0; i < 60; ++i)
    x.add(at(1000 + i), 0);
  CAF_CHECK_EQUAL(x.sparkline(at(1059), 4), "▁▁▁▁");
}

CAF_TEST(a sparkline is empty where nothing is known) {
  series x;
  CAF_CHECK_EQUAL(x.sparkline(at(1000), 4), "    ");
  CAF_CHECK_EQUAL(x.sparkline(at(1000), 0), "");
  x.add(at(1058), 7);
  CAF_CHECK_EQUAL(x.sparkline(at(1059), 4), "   █");
}

CAF_TEST(an answer that comes late leaves no hole) {
  series x;
  for (int i = 0; i < 60; i += 3)
    x.add(at(1000 + i), 5);
  CAF_CHECK_EQUAL(x.sparkline(at(1059), 60).find(' '), std::string::npos);
}

CAF_TEST(the minute moves on) {
  series x;
  x.add(at(1000), 9);
  CAF_CHECK_EQUAL(x.sparkline(at(1061), 3), "   ");
}

CAF_TEST(a slope is growth per second) {
  series x;
  CAF_CHECK_EQUAL(x.slope(4s), 0);
  for (int i = 0; i < 10; ++i)
    x.add(at(1000 + i), i < 5 ? 0 : (i - 5) * 100.0);
  CAF_CHECK_EQUAL(x.slope(4s), 100);
  x.add(at(1010), 0);
  CAF_CHECK_EQUAL(x.slope(4s), 0);
}

CAF_TEST(a map shows who brought which part) {
  legend who;
  auto x = with_map({{"self", 4}, {"phone", 2}, {std::nullopt, 2}});
  CAF_CHECK_EQUAL(map_line(x, 8, who).text(), "AAAABB··");
  CAF_CHECK_EQUAL(map_line(x, 4, who).text(), "AAB·");
  CAF_CHECK_EQUAL(map_line(x, 16, who).text(), "AAAAAAAABBBB····");
}

CAF_TEST(a device keeps its letter) {
  legend who;
  map_line(with_map({{"phone", 1}}), 1, who);
  map_line(with_map({{"laptop", 1}}), 1, who);
  CAF_CHECK_EQUAL(who.of("self").letter, "A");
  CAF_CHECK_EQUAL(who.of("phone").letter, "B");
  CAF_CHECK_EQUAL(who.of("laptop").letter, "C");
}

CAF_TEST(an empty map has only missing cells) {
  legend who;
  CAF_CHECK_EQUAL(map_line(with_map({}), 3, who).text(), "···");
  CAF_CHECK_EQUAL(map_line(with_map({{"self", 0}}), 0, who).text(), "");
}
