#include "hosts/common/system_proxy.hpp"

#include "hosts/common/state_file.hpp"
#include "tests/hosts/fake_desktop.hpp"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#define CAF_SUITE system_proxy
#include <caf/test/dsl.hpp>

using namespace peapod;

namespace {

namespace fs = std::filesystem;

/// What desktops hold beyond the processes that change them.
struct world {
  std::map<std::string, proxy_setting> settings;
  std::set<std::string> stubborn; ///< desktops that take nothing
  std::set<std::string> alive;    ///< scripts that are served
};

const std::string a_url = "http://127.0.0.1:3128/proxy.pac";
const std::string b_url = "http://127.0.0.1:4000/proxy.pac";

struct system_proxy_fixture {
  system_proxy_fixture() {
    std::string name = (fs::temp_directory_path() / "peapod-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    for (auto desktop : {"GNOME", "KDE"})
      now.settings[desktop] = {"none", ""};
  }

  ~system_proxy_fixture() {
    fs::remove_all(folder);
  }

  /// One process; each has no memory but the record.
  system_proxy process(const char* state = "a") {
    auto find = [this] {
      session_desktops out;
      for (auto& [name, setting] : now.settings)
        out.all.push_back(std::make_unique<fake_desktop>(
            setting, name, now.stubborn.contains(name)));
      out.why_none = out.all.empty() ? "none here" : "";
      return out;
    };
    return {find, folder / state,
            [this](const std::string& url) { return now.alive.contains(url); }};
  }

  bool has_record(const char* state = "a") const {
    return fs::exists(folder / state / "system-proxy.json");
  }

  proxy_setting gnome() {
    return now.settings["GNOME"];
  }

  fs::path folder;
  world now;
};

const proxy_setting none{"none", ""};

} // namespace

CAF_TEST_FIXTURE_SCOPE(system_proxy_tests, system_proxy_fixture)

CAF_TEST(on and off leave everything as it was) {
  now.settings["KDE"] = {"", ""};
  auto on = process().switch_on(a_url);
  CAF_REQUIRE(on);
  CAF_CHECK_EQUAL(on->size(), 2u);
  CAF_CHECK(gnome() == (proxy_setting{"auto", a_url}));
  CAF_CHECK(has_record());
  auto off = process().switch_off();
  CAF_REQUIRE(off);
  CAF_CHECK_EQUAL(off->size(), 2u);
  CAF_CHECK(gnome() == none);
  CAF_CHECK(now.settings["KDE"] == proxy_setting{});
  CAF_CHECK(!has_record());
}

CAF_TEST(on twice keeps what stood there first) {
  CAF_REQUIRE(process().switch_on(a_url));
  CAF_REQUIRE(process().switch_on(a_url));
  CAF_REQUIRE(process().switch_off());
  CAF_CHECK(gnome() == none);
}

CAF_TEST(a proxy that gives way is told with what to do) {
  now.settings["GNOME"] = {"manual", ""};
  auto on = process().switch_on(a_url);
  CAF_REQUIRE(on);
  CAF_REQUIRE_EQUAL(on->size(), 2u);
  auto hint = upstream_hint(on->front());
  CAF_CHECK(hint.find("[wan] upstream") != std::string::npos);
  CAF_CHECK_EQUAL(upstream_hint(on->back()), "");
  now.settings["KDE"] = {"auto", "http://corp/x.pac"};
  on = process().switch_on(a_url);
  CAF_REQUIRE(on);
  CAF_CHECK(!upstream_hint(on->back()).empty());
}

CAF_TEST(off without on says nothing) {
  auto off = process().switch_off();
  CAF_REQUIRE(off);
  CAF_CHECK(off->empty());
}

CAF_TEST(after a crash the next start puts back) {
  CAF_REQUIRE(process().switch_on(a_url));
  CAF_REQUIRE(process().recover(b_url));
  CAF_CHECK(gnome() == none);
  CAF_CHECK(!has_record());
}

CAF_TEST(a start leaves what another living daemon has set) {
  CAF_REQUIRE(process().switch_on(a_url));
  now.alive.insert(a_url);
  CAF_REQUIRE(process().recover(b_url));
  CAF_CHECK(gnome() == (proxy_setting{"auto", a_url}));
  CAF_CHECK(has_record());
}

CAF_TEST(a daemon that ends gives back its own setting only) {
  CAF_REQUIRE(process().switch_on(a_url));
  CAF_REQUIRE(process().give_back(b_url));
  CAF_CHECK(gnome() == (proxy_setting{"auto", a_url}));
  CAF_REQUIRE(process().give_back(a_url));
  CAF_CHECK(gnome() == none);
}

CAF_TEST(a second daemon gets nothing while the first one lives) {
  CAF_REQUIRE(process("a").switch_on(a_url));
  now.alive.insert(a_url);
  auto second = process("b").switch_on(b_url);
  CAF_REQUIRE(second);
  CAF_CHECK(second->front().failed);
  CAF_CHECK(!has_record("b"));
  CAF_REQUIRE(process("a").give_back(a_url));
  CAF_CHECK(gnome() == none);
}

CAF_TEST(what the user has changed stays) {
  CAF_REQUIRE(process().switch_on(a_url));
  now.settings["GNOME"] = {"auto", "http://corp/x.pac"};
  auto off = process().give_back(a_url);
  CAF_REQUIRE(off);
  CAF_CHECK(off->front().text.find("changed meanwhile") != std::string::npos);
  CAF_CHECK(gnome() == (proxy_setting{"auto", "http://corp/x.pac"}));
  CAF_CHECK(now.settings["KDE"] == none);
  CAF_CHECK(!has_record());
}

CAF_TEST(a desktop that refuses is told and leaves no record) {
  now.stubborn.insert("GNOME");
  auto on = process().switch_on(a_url);
  CAF_REQUIRE(on);
  CAF_CHECK(on->front().failed);
  CAF_CHECK(!on->back().failed);
  CAF_REQUIRE(process().switch_off());
  CAF_CHECK(now.settings["KDE"] == none);
  CAF_CHECK(!has_record());
}

CAF_TEST(what cannot be put back now is put back later) {
  CAF_REQUIRE(process().switch_on(a_url));
  now.stubborn.insert("GNOME");
  auto off = process().give_back(a_url);
  CAF_REQUIRE(off);
  CAF_CHECK(off->front().failed);
  CAF_CHECK(has_record());
  now.stubborn.clear();
  CAF_REQUIRE(process().recover(a_url));
  CAF_CHECK(gnome() == none);
}

CAF_TEST(a desktop that is gone keeps its record) {
  CAF_REQUIRE(process().switch_on(a_url));
  auto was = gnome();
  now.settings.erase("GNOME");
  auto off = process().switch_off();
  CAF_REQUIRE(off);
  CAF_CHECK(off->back().failed);
  now.settings["GNOME"] = was;
  CAF_REQUIRE(process().switch_off());
  CAF_CHECK(gnome() == none);
}

CAF_TEST(a desktop that comes later is put back when the daemon ends) {
  auto kde = now.settings.extract("KDE");
  auto daemon = process();
  CAF_REQUIRE(daemon.switch_on(a_url));
  now.settings.insert(std::move(kde));
  CAF_REQUIRE(process().switch_on(a_url)); // by hand, in the later session
  CAF_CHECK(now.settings["KDE"] == (proxy_setting{"auto", a_url}));
  auto off = daemon.give_back(a_url);
  CAF_REQUIRE(off);
  CAF_CHECK_EQUAL(off->size(), 2u);
  CAF_CHECK(now.settings["KDE"] == none);
  CAF_CHECK(!has_record());
}

CAF_TEST(a later try takes the desktops that are left and no other) {
  now.stubborn.insert("KDE");
  auto daemon = process();
  CAF_REQUIRE(daemon.switch_on(a_url));
  now.settings["GNOME"] = none; // the user's will
  now.stubborn.clear();
  auto again = daemon.switch_on_rest(a_url);
  CAF_REQUIRE(again);
  CAF_CHECK_EQUAL(again->size(), 1u);
  CAF_CHECK(gnome() == none);
  CAF_CHECK(now.settings["KDE"] == (proxy_setting{"auto", a_url}));
  auto third = daemon.switch_on_rest(a_url);
  CAF_REQUIRE(third);
  CAF_CHECK(third->empty());
}

CAF_TEST(a later try finds a desktop where there was none) {
  auto later = std::exchange(now.settings, {});
  auto daemon = process();
  CAF_CHECK(!daemon.switch_on(a_url));
  now.settings = later;
  CAF_REQUIRE(daemon.switch_on_rest(a_url));
  CAF_CHECK(gnome() == (proxy_setting{"auto", a_url}));
  CAF_CHECK(daemon.why_none().empty());
}

CAF_TEST(without a desktop the reason is given) {
  now.settings.clear();
  auto on = process().switch_on(a_url);
  CAF_REQUIRE(!on);
  CAF_CHECK_EQUAL(on.error().detail, "none here");
}

CAF_TEST(a record that cannot be read is named and not overwritten) {
  CAF_REQUIRE(write_state_file(folder / "a" / "system-proxy.json", "half"));
  auto on = process().switch_on(a_url);
  CAF_REQUIRE(!on);
  CAF_CHECK(on.error().detail.find("system-proxy.json") != std::string::npos);
  CAF_CHECK(gnome() == none);
  CAF_CHECK(has_record());
}

CAF_TEST(a dead script without a record is switched off) {
  now.settings["GNOME"] = {"auto", a_url};
  auto off = process().switch_off();
  CAF_REQUIRE(off);
  CAF_CHECK(gnome() == none);
}

CAF_TEST(the state tells a dead script from a living one) {
  CAF_REQUIRE(process().switch_on(a_url));
  CAF_CHECK(process().state().front().on);
  CAF_CHECK(!process().state().front().answers);
  now.alive.insert(a_url);
  CAF_CHECK(process().state().front().answers);
}

CAF_TEST_FIXTURE_SCOPE_END()
