#include "hosts/linux/desktops_linux.hpp"

#include "hosts/common/system_proxy.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <map>

#define CAF_SUITE desktops
#include <caf/test/dsl.hpp>

using namespace peapod;

namespace {

const std::string script = "http://127.0.0.1:3128/proxy.pac";

/// The process ends, and does nothing of what it had yet to do.
struct killed {};

/// GSettings as it keeps the two keys: what the administrator made the default,
/// and what the user has set. Values are GVariant text.
struct desktops_fixture {
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

  /// A process of its own, in which something goes wrong after so many calls of
  /// gsettings that change something.
  system_proxy process(std::function<void()> trouble = nullptr, int calls = 0) {
    auto left = std::make_shared<int>(calls);
    auto run = [this, trouble, left](auto& words) {
      bool changes = words[1] == "set" || words[1] == "reset";
      if (!has_bus && changes)
        return result<program_outcome>{program_outcome{1, {}, "no bus"}};
      auto out = answer(words);
      if (changes && trouble && --*left == 0)
        trouble();
      return out;
    };
    auto find = [run] { return find_desktops({}, run); };
    return {find, folder / "state", [](auto&) { return false; }};
  }

  /// A process that goes through `work` and is killed after so many changes.
  /// Whether it came to an end before.
  template <class Work>
  bool survives(int calls, Work work) {
    auto dying = process([] { throw killed{}; }, calls);
    try {
      CAF_CHECK(work(dying));
      return true;
    } catch (const killed&) {
      return false;
    }
  }

  /// Hands the proxy over and back.
  void on_and_off() {
    auto before = gnome()->read();
    CAF_REQUIRE(before);
    CAF_REQUIRE(gnome()->write({"auto", script}));
    CAF_REQUIRE(gnome()->put_back(*before));
    CAF_CHECK(*gnome()->read() == *before);
  }

  std::map<std::string, std::string> defaults{{"mode", "'none'"},
                                              {"autoconfig-url", "''"}};
  std::map<std::string, std::string> set;
  bool has_bus = true;
  scratch_folder folder;
};

using values = std::map<std::string, std::string>;

/// What users have set, and that they have set nothing.
const std::vector<values> wills{
    {{"mode", "'manual'"}, {"autoconfig-url", "'http://corp/a.pac'"}},
    {{"mode", "'auto'"}, {"autoconfig-url", "'http://corp/a.pac'"}},
    {{"mode", "'manual'"}},
    {}};

auto off(system_proxy& in) {
  return in.switch_off();
}

auto on(system_proxy& in) {
  return in.switch_on(script);
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(desktops_tests, desktops_fixture)

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

CAF_TEST(a kill while the setting is put back loses nothing) {
  for (auto& will : wills) {
    set = will;
    bool done = false;
    for (int calls = 1; !done; ++calls) {
      CAF_REQUIRE(process().switch_on(script));
      done = survives(calls, off);
      CAF_REQUIRE(process().recover(script));
      CAF_CHECK_EQUAL(set, will);
    }
  }
}

CAF_TEST(a session that ends while the setting is put back loses nothing) {
  for (auto& will : wills) {
    set = will;
    for (int calls = 1; calls < 5; ++calls) {
      CAF_REQUIRE(process().switch_on(script));
      CAF_CHECK(process([&] { has_bus = false; }, calls).switch_off());
      has_bus = true;
      CAF_REQUIRE(process().recover(script));
      CAF_CHECK_EQUAL(set, will);
    }
  }
}

CAF_TEST(a kill while the proxy is taken again after another loses nothing) {
  for (auto& will : wills) {
    set = will;
    bool done = false;
    for (int first = 1; !done; ++first) {
      for (int second = 1; second < 3; ++second) {
        CAF_REQUIRE(process().switch_on(script));
        done = survives(first, off);
        survives(second, on);
        CAF_REQUIRE(process().switch_off());
        CAF_CHECK_EQUAL(set, will);
      }
    }
  }
}

CAF_TEST(what the user sets when nothing could be put back stays) {
  CAF_REQUIRE(process().switch_on(script));
  has_bus = false;
  auto ended = process().switch_off();
  CAF_REQUIRE(ended);
  CAF_CHECK(ended->front().failed);
  has_bus = true;
  set["mode"] = "'manual'";
  CAF_REQUIRE(process().recover(script));
  CAF_CHECK_EQUAL(set["mode"], "'manual'");
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
