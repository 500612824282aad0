#define CAF_SUITE usage_file

#include "hosts/common/local_calendar.hpp"
#include "hosts/common/usage_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// A state folder of its own, and another time zone.
struct usage_file_fixture {
  usage_file_fixture() {
    std::string pattern = fs::temp_directory_path() / "usage-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    if (auto* zone = std::getenv("TZ"))
      old_zone = zone;
  }

  ~usage_file_fixture() {
    fs::remove_all(folder);
    old_zone.empty() ? ::unsetenv("TZ") : ::setenv("TZ", old_zone.c_str(), 1);
  }

  usage_file make(fs::path state_dir) {
    return {state_dir, [this](log_level, const std::string& line) {
              log.push_back(line);
            }};
  }

  local_time at(const char* zone, std::time_t seconds) {
    ::setenv("TZ", zone, 1);
    return local_time_at(seconds, instant{7s});
  }

  fs::path folder;
  std::string old_zone;
  std::vector<std::string> log;
};

const quota_usage some{20260110, 5'000'000'000, 202601, UINT64_MAX};

} // namespace

CAF_TEST_FIXTURE_SCOPE(usage_file_tests, usage_file_fixture)

// -- the file -----------------------------------------------------------------

CAF_TEST(what was used is there at the next start) {
  CAF_CHECK(make(folder).load() == quota_usage{});
  make(folder).save(some);
  CAF_CHECK(make(folder).load() == some);
  CAF_CHECK(log.empty());
}

CAF_TEST(nothing is written while nothing changes) {
  auto file = make(folder);
  file.save(some);
  fs::remove(folder / "usage.json");
  file.save(some);
  CAF_CHECK(!fs::exists(folder / "usage.json"));
  auto next = some;
  ++next.day_bytes;
  file.save(next);
  CAF_CHECK(make(folder).load() == next);
}

CAF_TEST(a damaged file is told and counts as none) {
  for (auto text : {"", "{", "[]", R"({"day":20260110})",
                    R"({"day":-1,"day_bytes":0,"month":0,"month_bytes":0})",
                    R"({"day":1,"day_bytes":"x","month":0,"month_bytes":0})",
                    R"({"day":1,"day_bytes":1.5,"month":0,"month_bytes":0})"}) {
    std::ofstream{folder / "usage.json"} << text;
    log.clear();
    CAF_CHECK(make(folder).load() == quota_usage{});
    CAF_CHECK_EQUAL(log.size(), 1u);
  }
}

CAF_TEST(a folder that cannot be written is told once) {
  std::ofstream{folder / "file"} << "x";
  auto file = make(folder / "file");
  file.load();
  log.clear();
  file.save(some);
  file.save(some);
  CAF_CHECK_EQUAL(log.size(), 1u);
}

CAF_TEST(without a folder nothing is kept) {
  auto file = make({});
  file.save(some);
  CAF_CHECK(make({}).load() == quota_usage{});
  CAF_CHECK(log.empty());
}

// -- the calendar -------------------------------------------------------------

CAF_TEST(days are those of the time zone) {
  // 2026-01-31 23:30:00 UTC.
  constexpr std::time_t moment = 1'769'902'200;
  auto here = at("UTC0", moment);
  CAF_CHECK_EQUAL(here.day, 20260131u);
  CAF_CHECK_EQUAL(here.month, 202601u);
  CAF_CHECK(here.day_left == 30min);
  CAF_CHECK(here.month_left == 30min);
  CAF_CHECK(here.at == instant{7s});
  auto east = at("CET-1", moment);
  CAF_CHECK_EQUAL(east.day, 20260201u);
  CAF_CHECK_EQUAL(east.month, 202602u);
  CAF_CHECK(east.day_left == 23h + 30min);
  CAF_CHECK(east.month_left == 28 * 24h - 30min);
}

CAF_TEST(a day on which the clock goes forward is shorter) {
  // 2026-03-29 00:30:00 in Central Europe; at 2:00 it is 3:00.
  auto x = at("CET-1CEST,M3.5.0,M10.5.0/3", 1'774'740'600);
  CAF_CHECK_EQUAL(x.day, 20260329u);
  CAF_CHECK(x.day_left == 22h + 30min);
}

CAF_TEST(the last month of a year ends with it) {
  // 2026-12-31 12:00:00 UTC.
  auto x = at("UTC0", 1'798'718'400);
  CAF_CHECK_EQUAL(x.day, 20261231u);
  CAF_CHECK(x.day_left == 12h);
  CAF_CHECK(x.month_left == 12h);
}

CAF_TEST_FIXTURE_SCOPE_END()
