#define CAF_SUITE part_file

#include "hosts/get/part_file.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

namespace fs = std::filesystem;

/// A folder that is gone at the end.
struct part_file_fixture {
  part_file_fixture() {
    std::string name = (fs::temp_directory_path() / "part-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    names = file_names::of(folder / "file");
  }
  ~part_file_fixture() {
    fs::remove_all(folder);
  }

  static void write(const fs::path& to, std::string_view text) {
    std::ofstream{to} << text;
  }
  static std::string read(const fs::path& from) {
    std::ifstream in{from};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  static std::span<const uint8_t> bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }
  sidecar begun(uint64_t upto) const {
    return {"https://a.test/x", {"\"1\"", std::nullopt, 10}, {{0, upto}}};
  }
  result<file_plan> look(bool force = false, bool restart = false) {
    return look_at(names, "https://a.test/x", force, restart);
  }

  fs::path folder;
  file_names names;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(part_file_tests, part_file_fixture)

CAF_TEST(a file gets its name when it is complete) {
  {
    auto file = part_file::create(names, 10);
    CAF_REQUIRE(file.has_value());
    CAF_CHECK(file->write(0, bytes("hello")).has_value());
    CAF_CHECK(file->save(begun(5)).has_value());
    CAF_CHECK(!fs::exists(names.target));
    CAF_CHECK(file->publish(false).has_value());
  }
  CAF_CHECK_EQUAL(read(names.target), "hello");
  CAF_CHECK(!fs::exists(names.part));
  CAF_CHECK(!fs::exists(names.sidecar));
}

CAF_TEST(what has come meanwhile is not overwritten) {
  auto file = part_file::create(names, 5);
  CAF_REQUIRE(file.has_value());
  CAF_CHECK(file->write(0, bytes("hello")).has_value());
  write(names.target, "theirs");
  CAF_CHECK(!file->publish(false));
  CAF_CHECK_EQUAL(read(names.target), "theirs");
  CAF_CHECK_EQUAL(read(names.part), "hello");
  CAF_CHECK(file->publish(true).has_value());
  CAF_CHECK_EQUAL(read(names.target), "hello");
}

CAF_TEST(what was begun is found again) {
  {
    auto file = part_file::create(names, 10);
    CAF_REQUIRE(file.has_value());
    CAF_CHECK(file->write(0, bytes("hello")).has_value());
    CAF_CHECK(file->save(begun(5)).has_value());
  }
  auto plan = look();
  CAF_REQUIRE(plan.has_value());
  CAF_REQUIRE(plan->begun.has_value());
  auto file = part_file::resume(names, *plan->begun);
  CAF_REQUIRE(file.has_value());
  std::string seen;
  auto take = [&](std::span<const uint8_t> x) {
    seen.append(x.begin(), x.end());
  };
  CAF_CHECK(file->read({0, 5}, take).has_value());
  CAF_CHECK_EQUAL(seen, "hello");
  auto longer = file->read({0, 6}, take);
  CAF_CHECK(!longer);
}

CAF_TEST(what lies behind a gap is found again without a beginning) {
  {
    auto file = part_file::create(names, 10);
    CAF_REQUIRE(file.has_value());
    CAF_CHECK(file->write(5, bytes("world")).has_value());
    auto later = begun(5);
    later.have = {{5, 10}};
    CAF_CHECK(file->save(later).has_value());
  }
  auto plan = look();
  CAF_REQUIRE(plan.has_value());
  CAF_REQUIRE(plan->begun.has_value());
  CAF_CHECK(part_file::resume(names, *plan->begun).has_value());
}

CAF_TEST(what a killed run was writing does not stay) {
  auto file = part_file::create(names, 10);
  CAF_REQUIRE(file.has_value());
  write(folder / "file.peapod.new", "half a sid");
  CAF_CHECK(file->save(begun(5)).has_value());
  CAF_CHECK(!fs::exists(folder / "file.peapod.new"));
  CAF_CHECK_EQUAL(read(names.sidecar), to_text(begun(5)));
  write(folder / "file.peapod.new", "half a sid");
  CAF_CHECK(file->publish(false).has_value());
  CAF_CHECK(!fs::exists(folder / "file.peapod.new"));
}

CAF_TEST(only one run writes a file) {
  auto first = part_file::create(names, 10);
  CAF_REQUIRE(first.has_value());
  CAF_CHECK(!part_file::create(names, 10));
}

CAF_TEST(files that are there are left alone) {
  write(names.target, "mine");
  CAF_CHECK(!look());
  CAF_CHECK(look(true).has_value());
  fs::remove(names.target);
  write(names.part, "whose?");
  CAF_CHECK(!look());
  CAF_CHECK(look(false, true).has_value());
  write(names.sidecar, to_text(begun(9))); // more than there is
  CAF_CHECK(!look());
  write(names.sidecar, to_text(begun(3)));
  CAF_CHECK(look().has_value());
  auto other = look_at(names, "https://b.test/x", false, false);
  CAF_REQUIRE(!other);
  CAF_CHECK(other.error().code == errc::mismatch);
  auto mirror = look_at(names, "https://b.test/x", false, false,
                        {"https://a.test/x", "https://b.test/x"});
  CAF_CHECK(mirror.has_value());
}

CAF_TEST(a wrong file is kept under another name) {
  auto file = part_file::create(names, 10);
  CAF_REQUIRE(file.has_value());
  write(folder / "file.corrupt", "an older one");
  auto aside = file->set_aside();
  CAF_REQUIRE(aside.has_value());
  CAF_CHECK_EQUAL(*aside, folder / "file.corrupt.1");
  CAF_CHECK(!fs::exists(names.part));
}

CAF_TEST_FIXTURE_SCOPE_END()
