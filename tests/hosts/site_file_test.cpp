#define CAF_SUITE site_file

#include "hosts/common/site_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

struct site_file_fixture {
  site_file_fixture() {
    std::string pattern = fs::temp_directory_path() / "sites-XXXXXX";
    folder = ::mkdtemp(pattern.data());
  }

  ~site_file_fixture() {
    fs::remove_all(folder);
  }

  site_file make(const fs::path& state_dir) {
    auto random = [this](std::span<uint8_t> out) {
      std::ranges::fill(out, ++fill);
    };
    return {state_dir, random, [this](log_level, const std::string& line) {
              log.push_back(line);
            }};
  }

  site_memory::entry entry(uint8_t number, duration ago) const {
    site_memory::entry out;
    out.key.bytes.fill(number);
    out.line.bytes.fill(static_cast<uint8_t>(number + 100));
    out.used = now - ago;
    return out;
  }

  fs::path file() const {
    return folder / "sites.json";
  }

  fs::path folder;
  uint8_t fill = 0;
  std::vector<std::string> log;
  instant now{1'000h};
  site_file::wall_clock::time_point today{1'700'000'000s};
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(site_file_tests, site_file_fixture)

CAF_TEST(what sites used is there at the next start) {
  auto first = make(folder).load(now, today);
  CAF_CHECK(first.entries.empty());
  CAF_CHECK_EQUAL(first.salt[31], 1u);
  first.entries = {entry(1, 0s), entry(2, 3h)};
  make(folder).save(first, now, today);
  // The machine was started anew, half an hour later.
  now = instant{20h};
  auto second = make(folder).load(now, today + 30min);
  CAF_CHECK(second.salt == first.salt);
  CAF_REQUIRE_EQUAL(second.entries.size(), 2u);
  CAF_CHECK(second.entries[0] == entry(1, 30min));
  CAF_CHECK(second.entries[1] == entry(2, 3h + 30min));
  CAF_CHECK(log.empty());
  auto mode = fs::status(file()).permissions();
  CAF_CHECK(mode == (fs::perms::owner_read | fs::perms::owner_write));
}

CAF_TEST(what is older than a day is forgotten) {
  auto x = make(folder).load(now, today);
  x.entries = {entry(1, 2h), entry(2, 25h), entry(3, 23h)};
  make(folder).save(x, now, today);
  CAF_CHECK_EQUAL(make(folder).load(now, today).entries.size(), 2u);
  auto later = make(folder).load(now, today + 2h);
  CAF_REQUIRE_EQUAL(later.entries.size(), 1u);
  CAF_CHECK(later.entries[0].key == entry(1, 0s).key);
  // A clock that goes back makes nothing older or newer than now.
  auto back = make(folder).load(now, today - 48h);
  CAF_REQUIRE_EQUAL(back.entries.size(), 2u);
  CAF_CHECK(back.entries[0].used == now);
}

CAF_TEST(a file that is not ours counts as none) {
  for (
      std::string text :
      {"", "{", "[]", "{}", R"({"salt":"00","sites":[]})",
       R"({"salt":"0101010101010101010101010101010101010101010101010101010101010101","sites":{}})",
       R"({"salt":"0101010101010101010101010101010101010101010101010101010101010101","sites":[1]})",
       R"({"salt":"0101010101010101010101010101010101010101010101010101010101010101","sites":[{"site":"1","line":"2","used":3}]})"}) {
    log.clear();
    std::ofstream{file()} << text;
    auto x = make(folder).load(now, today);
    CAF_CHECK(x.entries.empty());
    CAF_CHECK_EQUAL(log.size(), 1u);
  }
}

CAF_TEST(without a folder nothing is kept) {
  auto x = make({}).load(now, today);
  x.entries = {entry(1, 0s)};
  make({}).save(x, now, today);
  CAF_CHECK(log.empty());
}

CAF_TEST(a disk that takes nothing is told once) {
  std::ofstream{folder / "blocked"} << "a file";
  auto kept = make(folder / "blocked");
  site_memory x;
  x.entries = {entry(1, 0s)};
  kept.save(x, now, today);
  kept.save(x, now, today);
  CAF_CHECK_EQUAL(log.size(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
