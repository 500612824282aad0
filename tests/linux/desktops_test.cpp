#include "hosts/linux/desktops_linux.hpp"

#include "tests/hosts/settings_fixture.hpp"

#include <map>

#define CAF_SUITE desktops
#include <caf/test/dsl.hpp>

using namespace peapod;

namespace {

/// GSettings as it keeps the two keys: what the administrator made the default,
/// and what the user has set. Values are GVariant text.
struct fixture {
  std::unique_ptr<desktop> gnome() {
    auto run = [this](auto& words) { return answer(words); };
    auto found = find_desktops({}, run);
    CAF_REQUIRE_EQUAL(found.all.size(), 1u);
    return std::move(found.all.front());
  }

  result<program_outcome> answer(const std::vector<std::string>& words) {
    CAF_REQUIRE(is_for_desktops(words));
    auto& verb = words[1];
    auto& key = words[3];
    if (verb == "writable")
      return program_outcome{0, "true\n", {}};
    if (verb == "set")
      set[key] = words[4];
    if (verb == "reset")
      set.erase(key);
    if (verb != "get")
      return program_outcome{};
    auto i = set.find(key);
    return program_outcome{
        0, (i != set.end() ? i->second : defaults[key]) + "\n", {}};
  }

  /// Hands the proxy over and back.
  void on_and_off() {
    auto before = gnome()->read();
    CAF_REQUIRE(before);
    CAF_REQUIRE(gnome()->write({"auto", "http://127.0.0.1:3128/proxy.pac"}));
    CAF_REQUIRE(gnome()->put_back(*before));
    CAF_CHECK(*gnome()->read() == *before);
  }

  std::map<std::string, std::string> defaults{{"mode", "'none'"},
                                              {"autoconfig-url", "''"}};
  std::map<std::string, std::string> set;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(desktops_tests, fixture)

CAF_TEST(what the user never set follows the default again) {
  on_and_off();
  CAF_CHECK(set.empty());
  defaults = {{"mode", "'auto'"}, {"autoconfig-url", "'http://corp/a.pac'"}};
  on_and_off();
  CAF_CHECK(set.empty());
}

CAF_TEST(what the user has set is set again) {
  set = {{"mode", "'manual'"}, {"autoconfig-url", "'http://corp/a.pac'"}};
  auto before = set;
  on_and_off();
  CAF_CHECK(set == before);
}

CAF_TEST(of two keys only the one that the user had set is set again) {
  defaults["autoconfig-url"] = "'http://corp/a.pac'";
  set = {{"mode", "'auto'"}};
  auto before = set;
  on_and_off();
  CAF_CHECK(set == before);
}

CAF_TEST(what KDE expands is put back to be expanded) {
  scratch_folder folder;
  auto file = folder / "kioslaverc";
  std::string text =
      "[Proxy Settings]\nProxy Config Script[$e]=file://$HOME/x\n"
      "ProxyType=2\n";
  write_all(file, text);
  process_environment env;
  env.variable = [&](const char* name) -> std::optional<std::string> {
    return std::string{name} == "XDG_CONFIG_HOME"
               ? std::optional{file.parent_path().string()}
               : std::nullopt;
  };
  auto found = find_desktops(env, [](auto&) {
    return program_outcome{1, {}, {}};
  });
  CAF_REQUIRE_EQUAL(found.all.size(), 1u);
  auto& kde = *found.all.front();
  auto before = kde.read();
  CAF_REQUIRE(before);
  CAF_REQUIRE(kde.write({"2", "http://127.0.0.1:3128/proxy.pac"}));
  CAF_CHECK(!contains(read_all(file), "[$e]"));
  CAF_REQUIRE(kde.put_back(*before));
  CAF_CHECK(
      contains(read_all(file), "Proxy Config Script[$e]=file://$HOME/x\n"));
  CAF_CHECK(*kde.read() == *before);
}

CAF_TEST_FIXTURE_SCOPE_END()
