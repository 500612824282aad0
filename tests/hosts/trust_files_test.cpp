#define CAF_SUITE trust_files

#include "hosts/common/identity_file.hpp"
#include "hosts/common/secret_file.hpp"
#include "hosts/common/state_file.hpp"
#include "hosts/common/trust_file.hpp"

#include <caf/test/unit_test.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

struct trust_files_fixture {
  fs::path folder;
  fs::path state; ///< is not there yet

  trust_files_fixture() {
    auto name = (fs::temp_directory_path() / "peapod-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    state = folder / "state";
  }
  ~trust_files_fixture() {
    fs::remove_all(folder);
  }

  static unsigned mode_of(const fs::path& file) {
    struct stat info {};
    CAF_REQUIRE(::stat(file.c_str(), &info) == 0);
    return info.st_mode & 0777;
  }

  static std::string text_in(const fs::path& file) {
    return read_state_file(file).value().value_or("");
  }

  static bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }
};

trust_store sample() {
  trust_store out;
  public_key key;
  key.bytes[0] = 7;
  CAF_REQUIRE(out.trust(key, "phone", 100, trust_origin::paired));
  out.note_protocol(key, 2);
  return out;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(trust_files_tests, trust_files_fixture)

// -- trust.json ---------------------------------------------------------------

CAF_TEST(whoever is trusted is found again by the next start) {
  CAF_CHECK(load_trust(state).value() == trust_store{});
  CAF_REQUIRE(save_trust(state, sample()));
  CAF_CHECK(load_trust(state).value() == sample());
  CAF_CHECK_EQUAL(mode_of(state / "trust.json"), 0600u);
  CAF_CHECK_EQUAL(mode_of(state), 0700u);
}

CAF_TEST(a broken file is an error that says what to do and stays) {
  CAF_REQUIRE(save_trust(state, sample()));
  auto file = state / "trust.json";
  auto half = text_in(file).substr(0, 40);
  CAF_REQUIRE(write_state_file(file, half));
  auto out = load_trust(state);
  CAF_REQUIRE(!out);
  CAF_CHECK(out.error().code == errc::bad_config);
  CAF_CHECK(contains(out.error().detail, file.string()));
  CAF_CHECK(contains(out.error().detail, "not a JSON object"));
  CAF_CHECK(contains(out.error().detail, "restore it"));
  CAF_CHECK_EQUAL(text_in(file), half);
}

CAF_TEST(an empty file is a broken one too) {
  CAF_REQUIRE(write_state_file(state / "trust.json", ""));
  CAF_CHECK(!load_trust(state));
}

CAF_TEST(trust that cannot be saved is an error) {
  CAF_REQUIRE(write_state_file(state, "a file where the folder should be"));
  CAF_CHECK(!save_trust(state, sample()));
}

// -- the secret ---------------------------------------------------------------

CAF_TEST(a secret is kept in a file of its owner) {
  auto file = state / "secret";
  CAF_CHECK(!read_secret(file).value());
  auto secret = pod_secret::generate(system_random);
  CAF_REQUIRE(save_secret(file, secret));
  CAF_CHECK(load_secret(file).value() == secret);
  CAF_CHECK_EQUAL(mode_of(file), 0600u);
  CAF_CHECK_EQUAL(text_in(file), std::string{secret.text().view()} + "\n");
}

CAF_TEST(a secret that is not there is missed with what to do) {
  auto out = load_secret(state / "secret");
  CAF_REQUIRE(!out);
  CAF_CHECK(out.error().code == errc::not_found);
  CAF_CHECK(contains(out.error().detail, "peapod secret new"));
}

CAF_TEST(a secret that others may use is refused) {
  auto file = state / "secret";
  CAF_REQUIRE(save_secret(file, pod_secret::generate(system_random)));
  for (auto mode : {0640, 0604, 0660, 0620}) {
    CAF_REQUIRE(::chmod(file.c_str(), static_cast<mode_t>(mode)) == 0);
    auto out = read_secret(file);
    CAF_REQUIRE(!out);
    CAF_CHECK(out.error().code == errc::permission_denied);
    CAF_CHECK(contains(out.error().detail, "chmod 600"));
  }
}

CAF_TEST(what is no secret is refused without repeating it) {
  auto file = state / "secret";
  for (auto& text :
       {std::string{}, std::string{"hush-hush"}, std::string(300, 'A')}) {
    CAF_REQUIRE(write_state_file(file, text));
    auto out = read_secret(file);
    CAF_REQUIRE(!out);
    CAF_CHECK(out.error().code == errc::bad_config);
    CAF_CHECK(!contains(out.error().detail, "hush-hush"));
    CAF_CHECK(contains(out.error().detail, "peapod secret set"));
  }
  fs::remove(file);
  fs::create_directory(file);
  CAF_CHECK(read_secret(file).error().code == errc::bad_config);
}

CAF_TEST(a key file is made once and refused when others may read it) {
  auto made = load_identity(state);
  CAF_REQUIRE(made);
  CAF_CHECK(load_identity(state).value().device() == made->device());
  auto file = state / "identity.key";
  CAF_REQUIRE(::chmod(file.c_str(), 0644) == 0);
  CAF_CHECK(load_identity(state).error().code == errc::permission_denied);
  CAF_REQUIRE(write_state_file(file, std::string(33, 'x')));
  CAF_CHECK(load_identity(state).error().code == errc::bad_config);
}

CAF_TEST(a lock that is held is not waited for without end) {
  auto file = state / "x.lock";
  {
    auto held = file_lock::take(file);
    CAF_REQUIRE(held);
    auto late = file_lock::take(file, 100ms);
    CAF_REQUIRE(!late);
    CAF_CHECK(late.error().code == errc::timed_out);
    CAF_CHECK(contains(late.error().detail, "x.lock is held by process "
                                                + std::to_string(::getpid())
                                                + ":"));
  }
  CAF_CHECK(file_lock::take(file, 0ms));
}

CAF_TEST(who waits for a lock gets it when it is free) {
  auto file = state / "x.lock";
  auto held = std::make_unique<result<file_lock>>(file_lock::take(file));
  auto waiting =
      std::async(std::launch::async, [&] { return file_lock::take(file); });
  CAF_CHECK(waiting.wait_for(50ms) == std::future_status::timeout);
  held.reset();
  CAF_CHECK(waiting.get());
}

CAF_TEST_FIXTURE_SCOPE_END()
