#include "hosts/common/proxy_handover.hpp"

#include "tests/hosts/fake_desktop.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <algorithm>

#define CAF_SUITE proxy_handover
#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

const std::string script = "http://127.0.0.1:3128/proxy.pac";
const proxy_setting ours{"auto", script};

/// A session with GNOME, and with KDE once it has begun.
struct proxy_handover_fixture {
  session_desktops find() {
    ++looks;
    session_desktops out;
    out.all.push_back(std::make_unique<fake_desktop>(gnome));
    if (kde_has_begun)
      out.all.push_back(std::make_unique<fake_desktop>(kde, "KDE", refuses));
    return out;
  }

  /// Whether `done` comes true before there is nothing more to wait for.
  template <class Predicate>
  bool run_until(Predicate done) {
    while (!done())
      if (io.run_one_for(5s) == 0)
        return false;
    return true;
  }

  auto count(std::string_view part) {
    return std::ranges::count_if(
        lines, [&](auto& line) { return contains(line, part); });
  }

  scratch_folder folder;
  proxy_setting gnome{"none", ""};
  proxy_setting kde{"none", ""};
  bool kde_has_begun = false;
  bool refuses = false;
  int looks = 0;
  std::vector<std::string> lines;
  boost::asio::io_context io;
  system_proxy system{[this] { return find(); }, folder / "state",
                      [](auto&) { return false; }};
  proxy_handover handover{
      io,
      system,
      script,
      true,
      [this](severity, std::string_view line) { lines.emplace_back(line); },
      {1ms, 4ms}};
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(proxy_handover_tests, proxy_handover_fixture)

CAF_TEST(a desktop that takes it later is handed over then) {
  kde_has_begun = refuses = true;
  handover.begin();
  CAF_CHECK(gnome == ours);
  refuses = false;
  CAF_CHECK(run_until([&] { return kde == ours; }));
}

CAF_TEST(a desktop that begins after another took it is handed over) {
  handover.begin();
  CAF_CHECK(gnome == ours);
  kde_has_begun = true;
  CAF_CHECK(run_until([&] { return kde == ours; }));
}

CAF_TEST(what the user chose since stays) {
  handover.begin();
  gnome = {"manual", ""};
  kde_has_begun = true;
  CAF_CHECK(run_until([&] { return kde == ours && looks > 4; }));
  CAF_CHECK_EQUAL(gnome.mode, "manual");
  CAF_CHECK_EQUAL(lines.size(), 2u);
}

CAF_TEST(the same failure is told once beside a success) {
  kde_has_begun = refuses = true;
  handover.begin();
  CAF_CHECK(run_until([&] { return looks > 4; }));
  CAF_CHECK_EQUAL(count("KDE: no bus"), 1);
  CAF_CHECK_EQUAL(lines.size(), 2u);
}

CAF_TEST_FIXTURE_SCOPE_END()
