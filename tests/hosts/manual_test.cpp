#define CAF_SUITE manual

#include "hosts/common/cli.hpp"
#include "hosts/common/completion_text.hpp"
#include "hosts/common/manual_text.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <algorithm>
#include <set>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

/// A small program with one of everything.
command_entry small_program() {
  option_entry help{{"-h", "--help"}, "", "Say it's all", "", {}, {}, {}, {}};
  option_entry file{{"--config"}, "FILE", "Take [this] file",
                    "",           {},     value_help::file,
                    false,        false};
  option_entry kind{{"--kind"}, "KIND",     "Of this kind: one",
                    "a",        {"a", "b"}, value_help::choices,
                    false,      false};
  option_entry who{{}, "NAME", "Who", "", {}, value_help::text, true, false};
  command_entry on{"on", "Begin", {help, kind, who}, {}};
  command_entry light{"light", "The light", {help}, {on}};
  return {"peapod", "A program", {help, file}, {light}};
}

const manual_title title{"2026-11-26", "1.2.3"};

void collect(const command_entry& x, std::set<std::string>& out) {
  out.insert(x.name);
  for (auto& option : x.options)
    out.insert(option.names.begin(), option.names.end());
  for (auto& below : x.commands)
    collect(below, out);
}

/// A hyphen that is typed is a minus in roff.
std::string in_roff(std::string_view text) {
  std::string out;
  for (auto c : text)
    out += c == '-' ? std::string{"\\-"} : std::string{c};
  return out;
}

} // namespace

// -- the table ----------------------------------------------------------------

CAF_TEST(the table has every command with its options and values) {
  auto all = describe_program();
  auto find = [](const command_entry& in, const char* name) {
    auto i = std::ranges::find(in.commands, name, &command_entry::name);
    CAF_REQUIRE(i != in.commands.end());
    return *i;
  };
  for (auto* name : {"check-config", "id", "status", "proxy", "secret",
                     "console", "demo", "doctor", "completion"})
    CAF_CHECK(!find(all, name).description.empty());
  auto actors = find(all, "actors");
  auto sort = std::ranges::find_if(actors.options, [](auto& x) {
    return !x.names.empty() && x.names.back() == "--sort";
  });
  CAF_REQUIRE(sort != actors.options.end());
  CAF_CHECK_EQUAL(sort->value, "KEY");
  CAF_CHECK(std::ranges::count(sort->choices, "load") == 1);
  CAF_CHECK_EQUAL(sort->initially, "id");
  auto file = find(all, "check-config").options.back();
  CAF_CHECK(file.is_argument() && file.required);
  CAF_CHECK(file.help == value_help::file);
  CAF_CHECK_EQUAL(find(find(all, "proxy"), "env").name, "env");
}

// -- completions --------------------------------------------------------------

CAF_TEST(shells are known by their names) {
  CAF_CHECK(parse_completion_shell("bash") == completion_shell::bash);
  CAF_CHECK(parse_completion_shell("zsh") == completion_shell::zsh);
  CAF_CHECK(parse_completion_shell("fish") == completion_shell::fish);
  CAF_CHECK(!parse_completion_shell("sh"));
}

CAF_TEST(every command and option is in the script of every shell) {
  auto all = describe_program();
  std::set<std::string> words;
  collect(all, words);
  for (auto shell : {completion_shell::bash, completion_shell::zsh,
                     completion_shell::fish}) {
    auto text = completion_text(shell, all, setting_names());
    for (auto& x : words) {
      bool fish = shell == completion_shell::fish;
      auto bare = fish && x.starts_with("--")  ? "-l " + x.substr(2)
                  : fish && x.starts_with("-") ? "-s " + x.substr(1)
                                               : x;
      if (!contains(text, bare))
        CAF_ERROR("not there: " << x);
    }
    for (auto& key : setting_names())
      CAF_CHECK(contains(text, key));
  }
}

CAF_TEST(quotes and brackets in descriptions are not taken for syntax) {
  auto program = small_program();
  std::vector<std::string> keys{"pod.name"};
  auto zsh = completion_text(completion_shell::zsh, program, keys);
  CAF_CHECK(contains(zsh, "Say it'\\''s all"));
  CAF_CHECK(contains(zsh, "Take \\[this\\] file"));
  CAF_CHECK(contains(zsh, "Of this kind\\: one"));
  auto fish = completion_text(completion_shell::fish, program, keys);
  CAF_CHECK(contains(fish, "'Say it\\'s all'"));
}

// -- manual pages -------------------------------------------------------------

CAF_TEST(the page of a small program is known to the letter) {
  auto text = program_manual(small_program(), title);
  CAF_CHECK(text.starts_with(".TH PEAPOD 1 \"2026-11-26\" \"PeaPod 1.2.3\" "
                             "\"PeaPod\"\n.SH NAME\npeapod \\- A program\n"));
  CAF_CHECK(contains(text, ".SS \\fBlight on\\fR [\\fIoptions\\fR] "
                           "\\fINAME\\fR\nBegin.\n"
                           ".TP\n\\fB\\-\\-kind\\fR \\fIKIND\\fR\n"
                           "Of this kind: one. One of \\fBa\\fR, \\fBb\\fR. "
                           "Default: \\fBa\\fR.\n"
                           ".TP\n\\fINAME\\fR\nWho.\n"));
}

CAF_TEST(every command and option and exit code is in the manual) {
  auto all = describe_program();
  std::set<std::string> words;
  collect(all, words);
  auto text = program_manual(all, title);
  for (auto& x : words)
    if (!contains(text, in_roff(x)))
      CAF_ERROR("not there: " << x);
  for (auto& x : exit_meanings())
    CAF_CHECK(contains(text, "\n\\fB" + std::to_string(x.code) + "\\fR\n"));
  CAF_CHECK(contains(text, "NO_COLOR"));
}

CAF_TEST(the manual of the configuration explains every key) {
  auto text = config_manual(read_all("config/pod.ini"), title);
  for (auto& key : setting_names()) {
    auto name = key.substr(key.find('.') + 1);
    if (!contains(text, "\n\\fB" + in_roff(name) + "\\fR"))
      CAF_ERROR("not there: " << key);
  }
  // Every key of this file has its comment.
  CAF_CHECK(!contains(text, ".SS Others"));
  CAF_CHECK(contains(text, "\\fBlisten\\fR=\"127.0.0.1:3128\"\n"
                           "Where browsers"));
  CAF_CHECK(contains(text, "\\fBmax\\-clients\\fR=1024\n.TQ\n"
                           "\\fBmax\\-tunnels\\fR=1024\n"));
}

CAF_TEST(a key without a comment is told with what it takes) {
  auto text = config_manual("[pod]\n; A name.\nname=\"x\"\n", title);
  CAF_CHECK(contains(text, ".SS Others"));
  CAF_CHECK(contains(text, "\\fBlog.level\\fR\nTakes \"trace\""));
}

CAF_TEST(no line of a page is a request by accident) {
  auto text = config_manual("; .so /etc/passwd\n; 'x\n\n[pod]\n"
                            "; .sy rm\nname=\"a\\b\"\n",
                            title);
  CAF_CHECK(!contains(text, "\n.so") && !contains(text, "\n.sy"));
  CAF_CHECK(!contains(text, "\n'x"));
  CAF_CHECK(contains(text, "\"a\\eb\""));
}
