#define CAF_SUITE receipt_file

#include "hosts/get/receipt_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

namespace fs = std::filesystem;

constexpr auto text = "{\"downloads\":[]}\n";

/// A folder that is gone at the end.
struct receipt_file_fixture {
  receipt_file_fixture() {
    std::string name = (fs::temp_directory_path() / "receipt-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = folder / "receipt";
  }
  ~receipt_file_fixture() {
    fs::remove_all(folder);
  }

  static void put(const fs::path& to, std::string_view what) {
    std::ofstream{to} << what;
  }
  static std::string read(const fs::path& from) {
    std::ifstream in{from};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  /// The error of a check, which is that of writing.
  static std::optional<errc> refusal(const receipt_file& x) {
    auto good = x.check();
    CAF_CHECK_EQUAL(x.write(text).has_value(), good.has_value());
    return good ? std::nullopt : std::optional{good.error().code};
  }

  fs::path folder;
  fs::path path;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(receipt_file_tests, receipt_file_fixture)

CAF_TEST(a receipt is made where nothing is) {
  receipt_file to{path};
  CAF_REQUIRE(to.check());
  CAF_CHECK(!fs::exists(path));
  CAF_REQUIRE(to.write(text));
  CAF_CHECK_EQUAL(read(path), text);
}

CAF_TEST(an older receipt and an empty file are replaced) {
  put(path, "{\"upload\":{\"a much longer receipt than the new one\":1}}\n");
  CAF_REQUIRE(receipt_file{path}.write(text));
  CAF_CHECK_EQUAL(read(path), text);
  put(path, "");
  CAF_REQUIRE(receipt_file{path}.write(text));
  CAF_CHECK_EQUAL(read(path), text);
}

CAF_TEST(any other file is kept without force) {
  put(path, "mine");
  receipt_file to{path};
  CAF_CHECK(refusal(to) == errc::io_failed);
  CAF_CHECK_EQUAL(read(path), "mine");
  to.set_force(true);
  CAF_REQUIRE(to.write(text));
  CAF_CHECK_EQUAL(read(path), text);
}

CAF_TEST(what has come into being since the check is kept) {
  receipt_file to{path};
  CAF_REQUIRE(to.check());
  put(path, "mine");
  CAF_CHECK(!to.write(text));
  CAF_CHECK_EQUAL(read(path), "mine");
}

CAF_TEST(what the run uses is never a receipt) {
  auto target = folder / "file";
  for (auto* name : {"file", "file.part", "file.peapod", "file.corrupt"}) {
    receipt_file to{folder / "." / name};
    to.keep_off_download(target);
    to.set_force(true);
    CAF_CHECK(refusal(to) == errc::bad_config);
    CAF_CHECK(!fs::exists(folder / name));
  }
}

CAF_TEST(another name of what the run uses is found out) {
  put(folder / "source", "the only copy");
  fs::create_hard_link(folder / "source", path);
  fs::create_symlink("source", folder / "link");
  for (auto* name : {"receipt", "link", "source"}) {
    receipt_file to{folder / name};
    to.keep_off(folder / "source");
    to.set_force(true);
    CAF_CHECK(refusal(to) == errc::bad_config);
  }
  CAF_CHECK_EQUAL(read(folder / "source"), "the only copy");
}

CAF_TEST(no folder is made) {
  receipt_file to{folder / "new" / "receipt"};
  CAF_CHECK(refusal(to) == errc::io_failed);
  CAF_CHECK(!fs::exists(folder / "new"));
  CAF_CHECK(refusal(receipt_file{folder}) == errc::io_failed);
  fs::create_symlink("nowhere", path);
  CAF_CHECK(refusal(receipt_file{path}) == errc::io_failed);
  CAF_CHECK(fs::is_symlink(path));
}

CAF_TEST(a pipe is written into and stays one) {
  CAF_REQUIRE_EQUAL(::mkfifo(path.c_str(), 0600), 0);
  auto reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  CAF_REQUIRE(receipt_file{path}.write(text));
  std::array<char, 100> got{};
  auto size = ::read(reader, got.data(), got.size());
  ::close(reader);
  CAF_CHECK_EQUAL(std::string(got.data(), static_cast<size_t>(size)), text);
  CAF_CHECK(fs::is_fifo(path));
}

CAF_TEST(a device is written into and stays one) {
  CAF_REQUIRE(receipt_file{"/dev/null"}.write(text));
  CAF_CHECK(fs::is_character_file("/dev/null"));
  auto full = receipt_file{"/dev/full"}.write(text);
  CAF_CHECK(!full);
  CAF_CHECK(fs::is_character_file("/dev/full"));
}

CAF_TEST(a link stays a link to the file that is replaced) {
  put(folder / "old", text);
  fs::create_symlink("old", path);
  CAF_REQUIRE(receipt_file{path}.write("{\"upload\":1}"));
  CAF_CHECK(fs::is_symlink(path));
  CAF_CHECK_EQUAL(read(folder / "old"), "{\"upload\":1}");
}

CAF_TEST(standard output cannot be the file and the receipt) {
  receipt_file to{"-"};
  CAF_CHECK(to.check());
  to.keep_off_stdout();
  CAF_CHECK(to.check().error().code == errc::bad_config);
}

CAF_TEST_FIXTURE_SCOPE_END()
