#include "core/line_order.hpp"

#include <map>

#define CAF_SUITE line_order
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

const names three{"wan0", "wan1", "10.0.0.2"};

struct line_order_fixture {
  line_order lines;
  instant now{1h};
  line_order::check is_up;

  std::string first_of(const names& all, const std::string& user,
                       const std::string& site) {
    return all[lines.order(all, user, site, is_up, now).front()];
  }

  /// The line of each of many sites.
  std::map<std::string, std::string> lines_of(const names& all,
                                              const std::string& user) {
    std::map<std::string, std::string> out;
    for (int i = 0; i < 300; ++i) {
      auto site = "site" + std::to_string(i) + ".example";
      out[site] = first_of(all, user, site);
    }
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(line_order_tests, line_order_fixture)

CAF_TEST(a user keeps one line for each site) {
  CAF_CHECK(lines_of(three, "10.1.1.1") == lines_of(three, "10.1.1.1"));
  CAF_CHECK(lines_of(three, "10.1.1.1") != lines_of(three, "10.1.1.2"));
}

CAF_TEST(how the lines stand in the file does not matter) {
  CAF_CHECK(lines_of(three, "a")
            == lines_of({"10.0.0.2", "wan1", "wan0"}, "a"));
}

CAF_TEST(sites spread over all lines) {
  std::map<std::string, int> used;
  for (auto& [site, line] : lines_of(three, "a"))
    ++used[line];
  CAF_CHECK_EQUAL(used.size(), 3u);
  for (auto& [line, sites] : used)
    CAF_CHECK(sites > 60);
}

CAF_TEST(sites spread by the weights of the lines) {
  lines = line_order{{}, {{"wan0", 100}, {"wan1", 20}, {"10.0.0.2", 30}}};
  std::map<std::string, int> used;
  for (auto& [site, line] : lines_of(three, "a"))
    ++used[line];
  // Of 300: 200, 40 and 60, each within three standard deviations.
  CAF_CHECK(used["wan0"] > 175 && used["wan0"] < 225);
  CAF_CHECK(used["wan1"] > 22 && used["wan1"] < 58);
  CAF_CHECK(used["10.0.0.2"] > 39 && used["10.0.0.2"] < 81);
}

CAF_TEST(a weight that grows takes sites and gives none away) {
  auto before = lines_of(three, "a");
  lines = line_order{{}, {{"wan0", 2}}};
  size_t moved = 0;
  for (auto& [site, line] : lines_of(three, "a"))
    if (line != "wan0")
      CAF_CHECK_EQUAL(line, before[site]);
    else if (before[site] != line)
      ++moved;
  CAF_CHECK(moved > 0);
}

CAF_TEST(a line that goes moves its own sites only) {
  auto before = lines_of(three, "a");
  is_up = [](const std::string& line) { return line != "wan1"; };
  size_t moved = 0;
  for (auto& [site, line] : lines_of(three, "a")) {
    CAF_CHECK_NOT_EQUAL(line, "wan1");
    if (before[site] != "wan1")
      CAF_CHECK_EQUAL(line, before[site]);
    else
      ++moved;
  }
  CAF_CHECK(moved > 60);
  is_up = nullptr;
  CAF_CHECK(lines_of(three, "a") == before);
}

CAF_TEST(all lines are tried and those that are down last) {
  is_up = [](const std::string& line) { return line == "wan0"; };
  auto order = lines.order(three, "a", "b.example", is_up, now);
  CAF_CHECK_EQUAL(order.size(), 3u);
  CAF_CHECK_EQUAL(order.front(), 0u);
}

CAF_TEST(a line that fails where another one works rests for a while) {
  auto line = first_of(three, "a", "b.example");
  lines.failed(line, now);
  CAF_CHECK_EQUAL(first_of(three, "a", "b.example"), line);
  lines.worked(line);
  lines.failed(line, now);
  CAF_CHECK_EQUAL(first_of(three, "a", "b.example"), line);
  lines.failed(line, now);
  CAF_CHECK_NOT_EQUAL(first_of(three, "a", "b.example"), line);
  now += line_order::rest_time;
  CAF_CHECK_EQUAL(first_of(three, "a", "b.example"), line);
}

CAF_TEST(each device has a key of its own and keeps it) {
  auto device = [](uint8_t seed) {
    return *identity::from_secret(std::vector<uint8_t>(32, seed));
  };
  CAF_CHECK(line_salt(device(1)) == line_salt(device(1)));
  CAF_CHECK(line_salt(device(1)) != line_salt(device(2)));
  line_order other{line_salt(device(1))};
  auto mine = lines_of(three, "a");
  lines = other;
  CAF_CHECK(lines_of(three, "a") != mine);
}

CAF_TEST_FIXTURE_SCOPE_END()
