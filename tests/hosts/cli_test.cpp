#define CAF_SUITE command_line

#include "hosts/common/cli.hpp"
#include "hosts/common/status_text.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <sstream>
#include <vector>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

/// What a run of the command line did.
struct cli_outcome {
  int code = -1;
  std::string out;
  std::string err;
  std::optional<settings> daemon;
  std::optional<demo_options> demo;
};

cli_outcome run(std::vector<const char*> arguments,
                const process_environment& env = plain_environment()) {
  cli_outcome outcome;
  cli_hooks hooks;
  hooks.version = "1.2.3";
  hooks.run_daemon = [&](const settings& s) {
    outcome.daemon = s;
    return 0;
  };
  hooks.run_demo = [&](const demo_options& x) {
    outcome.demo = x;
    return 0;
  };
  arguments.insert(arguments.begin(), "peapod");
  std::ostringstream out;
  std::ostringstream err;
  outcome.code = run_cli(static_cast<int>(arguments.size()), arguments.data(),
                         hooks, env, out, err);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

} // namespace

// -- command line -------------------------------------------------------------

CAF_TEST(without a command the program says what it can do) {
  auto x = run({});
  CAF_CHECK_EQUAL(x.code, 2);
  CAF_CHECK(contains(x.err, "--actor-config pod.ini"));
}

CAF_TEST(the daemon gets its settings) {
  scratch_folder folder;
  auto file = folder / "pod.ini";
  write_all(file, "[pod]\nname=\"a\"\n");
  auto x = run({"--actor-config", file.c_str(), "--proxy.listen=127.0.0.1:0"});
  CAF_CHECK_EQUAL(x.code, 0);
  CAF_REQUIRE(x.daemon);
  CAF_CHECK_EQUAL(x.daemon->pod.name, "a");
  CAF_CHECK_EQUAL(x.daemon->proxy.listen.port, 0);
}

CAF_TEST(a wrong file ends the program with its mistakes) {
  scratch_folder folder;
  auto file = folder / "pod.ini";
  write_all(file, "[pod]\nnom=\"a\"\n");
  for (auto arguments : {std::vector{"--actor-config", file.c_str()},
                         std::vector{"check-config", file.c_str()}}) {
    auto x = run(arguments);
    CAF_CHECK_EQUAL(x.code, 2);
    CAF_CHECK(!x.daemon);
    CAF_CHECK_EQUAL(x.err, file.string()
                               + ":2: pod.nom: unknown key; [pod] has name, "
                                 "state-dir\n");
  }
}

CAF_TEST(a right file is confirmed) {
  auto x = run({"check-config", "config/pod.ini"});
  CAF_CHECK_EQUAL(x.code, 0);
  CAF_CHECK_EQUAL(x.out, "config/pod.ini: ok\n");
}

CAF_TEST(the device id is printed) {
  scratch_folder folder;
  auto state = "--pod.state-dir=" + (folder / "state").string();
  auto x = run({"id", state.c_str()});
  CAF_CHECK_EQUAL(x.code, 0);
  CAF_CHECK_EQUAL(x.out.size(), 33u);
  CAF_CHECK_EQUAL(run({"id", state.c_str()}).out, x.out);
}

CAF_TEST(without a daemon status says how to start one) {
  scratch_folder folder;
  auto socket = (folder / "no.sock").string();
  auto x = run({"status", "--socket", socket.c_str()});
  CAF_CHECK_EQUAL(x.code, 1);
  CAF_CHECK_EQUAL(x.err,
                  "peapod: no daemon at " + socket
                      + ": start it with peapod --actor-config pod.ini\n");
}

CAF_TEST(variables are taken back in words of the shell) {
  auto env = plain_environment();
  std::string shell;
  env.variable = [&](const char*) { return std::optional{shell}; };
  auto unset = [&] { return run({"proxy", "env", "--unset"}, env); };
  for (auto posix : {"", "/bin/bash", "/bin/dash"}) {
    shell = posix;
    CAF_CHECK(contains(unset().out, "unset http_proxy;"));
  }
  shell = "/usr/bin/fish";
  CAF_CHECK(contains(unset().out, "set -e http_proxy;"));
}

CAF_TEST(an unknown shell gets no words of another one) {
  auto env = plain_environment();
  env.variable = [](const char*) {
    return std::optional<std::string>{"/bin/tcsh"};
  };
  auto x = run({"proxy", "env", "--unset"}, env);
  CAF_CHECK_EQUAL(x.code, 1);
  CAF_CHECK_EQUAL(x.out, "");
  CAF_CHECK(contains(x.err, "tcsh"));
  CAF_CHECK(contains(x.err, "--shell"));
  x = run({"proxy", "env", "--unset", "--shell", "sh"}, env);
  CAF_CHECK_EQUAL(x.code, 0);
}

CAF_TEST(the demo takes its options) {
  auto x = run({"demo", "--devices", "4", "--rate", "8Mbit/s", "--size=1MiB"});
  CAF_CHECK_EQUAL(x.code, 0);
  CAF_REQUIRE(x.demo);
  CAF_CHECK_EQUAL(x.demo->devices, 4u);
  CAF_CHECK_EQUAL(x.demo->line_rate, 1'000'000u);
  CAF_CHECK_EQUAL(x.demo->size, 1_MiB);
  CAF_CHECK_EQUAL(run({"demo", "--rate", "fast"}).code, 2);
  CAF_CHECK_EQUAL(run({"demo", "--devices", "1"}).code, 2);
}

CAF_TEST(version and help are on standard output and wrong usage is not ) {
  auto version = run({"--version"});
  CAF_CHECK_EQUAL(version.code, 0);
  CAF_CHECK_EQUAL(version.out, "peapod 1.2.3\n");
  auto help = run({"--help"});
  CAF_CHECK_EQUAL(help.code, 0);
  CAF_CHECK(contains(help.out, "check-config"));
  auto wrong = run({"--frobnicate"});
  CAF_CHECK_EQUAL(wrong.code, 2);
  CAF_CHECK(contains(wrong.err, "--frobnicate"));
  CAF_CHECK_EQUAL(run({"staus"}).code, 2);
}

// -- status -------------------------------------------------------------------

CAF_TEST(a status becomes tables) {
  auto text = status_text(
      R"({"device":{"id":"00ff","name":"a"},"pod_size":2,
        "peers":[{"id":"1234","name":"b\u001b[2J","address":"10.0.0.2:45679",
                  "state":"connected","protocol":2,"rate_down":5000000,
                  "rate_up":0,"bytes_from":65536,"bytes_to":0}],
        "transfers":[{"id":"t","url":"http://x/y","state":"running",
                      "total":2097152,"delivered":1048576,
                      "bytes":{"self":524288,"b":524288},"wasted":0}],
        "proxy":{"requests":3,"tunnels":1,"pooled":1,"passed_through":1,
                 "active":1},
        "share":{"served_bytes":0,"held_to":1000000,"state":"paused",
                 "why":"it runs on battery","today":{"used":1024,
                 "limit":4096},"month":{"used":2048,"limit":null},
                 "metered":true,"on_battery":true,"battery":42}})");
  CAF_REQUIRE(text);
  CAF_CHECK(contains(*text, "a (00ff), pod of 2"));
  CAF_CHECK(contains(*text, "40.0 Mbit/s"));
  CAF_CHECK(contains(*text, "1 MiB of 2 MiB (50%)"));
  CAF_CHECK(contains(*text, "self 512 KiB, b 512 KiB"));
  CAF_CHECK(contains(*text, "3 requests, 1 pooled"));
  CAF_CHECK(contains(*text, "share: 0 B fetched for others, 1 KiB of 4 KiB "
                            "today, 2 KiB this month, held to 8.0 Mbit/s"));
  CAF_CHECK(contains(*text, "share: paused, it runs on battery, battery 42 %"));
  CAF_CHECK(!contains(*text, "\x1b"));
}

CAF_TEST(a status says how many clients were turned away) {
  auto with = [](const char* count) {
    auto text = status_text(R"({"proxy":{"requests":3,"turned_away":)"
                            + std::string{count} + "}}");
    return text ? *text : "";
  };
  CAF_CHECK(contains(with("262"), "262 clients were turned away with a 503"));
  CAF_CHECK(contains(with("0"), "3 requests"));
  CAF_CHECK(!contains(with("0"), "turned away"));
}

CAF_TEST(a status shows lines where there are several) {
  auto with = [](const std::string& second) {
    auto text = status_text(
        R"({"device":{"id":"00ff","name":"a"},"pod_size":2,
        "peers":[{"id":"1234","name":"b","state":"connected",
                  "line":{"label":"same line","as_name":"eth0",
                          "evidence":"same gateway"}}],
        "lines":[{"id":"00ff","name":"eth0","up":true,"interface":"eth0",
                  "gateway":"10.0.0.1","public_addresses":["192.0.2.1"],
                  "bytes_own":1048576,"bytes_peers":0,
                  "line":{"label":"adds capacity","evidence":"x"}})"
        + second + R"(],"transfers":[]})");
    return text ? *text : "";
  };
  auto one = with("");
  CAF_CHECK(contains(one, "same line as eth0 (same gateway)"));
  CAF_CHECK(!contains(one, "OWN LINE"));
  auto two = with(R"(,{"id":"01","name":"w\u001b","up":false,"line":{
                     "label":"paused","evidence":"it is not connected"}})");
  CAF_CHECK(contains(two, "OWN LINE"));
  CAF_CHECK(contains(two, "192.0.2.1"));
  CAF_CHECK(contains(two, "adds capacity (x)"));
  CAF_CHECK(contains(two, "down"));
  CAF_CHECK(contains(two, "paused (it is not connected)"));
  CAF_CHECK(!contains(two, "\x1b"));
}

CAF_TEST(a status of missing or odd members is shown as far as it goes) {
  CAF_CHECK(status_text("{}"));
  CAF_CHECK(status_text(R"({"peers":[1,{"id":3}],"transfers":{},"proxy":[]})"));
  CAF_CHECK(!status_text("[]"));
  CAF_CHECK(!status_text("nonsense"));
}
