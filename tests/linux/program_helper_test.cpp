#include "hosts/linux/desktops_linux.hpp"
#include "hosts/linux/program_helper_linux.hpp"

#include <csignal>
#include <cstdlib>

#define CAF_SUITE program_helper
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

bool is_shell(const std::vector<std::string>& words) {
  return words.front() == "sh" || words.front() == "no-such-program";
}

std::unique_ptr<program_helper> start() {
  auto out = program_helper::start(is_shell);
  CAF_REQUIRE(out);
  return std::move(*out);
}

} // namespace

CAF_TEST(a program is run as if it were run here) {
  auto helper = start();
  auto done = helper->run({"sh", "-c", "echo out; echo err >&2; exit 3"});
  CAF_REQUIRE(done);
  CAF_CHECK_EQUAL(done->status, 3);
  CAF_CHECK_EQUAL(done->out, "out\n");
  CAF_CHECK_EQUAL(done->err, "err\n");
  auto again = helper->run({"sh", "-c", "printf '%s' \"$0\"", "a b\nc"});
  CAF_REQUIRE(again);
  CAF_CHECK_EQUAL(again->out, "a b\nc");
}

CAF_TEST(a long output comes as far as it is kept) {
  auto helper = start();
  auto done = helper->run({"sh", "-c", "head -c 200000 /dev/zero"});
  CAF_REQUIRE(done);
  CAF_CHECK_GREATER_OR_EQUAL(done->out.size(), 65536u);
}

CAF_TEST(errors come back as they are) {
  auto helper = start();
  auto missing = helper->run({"no-such-program"});
  CAF_REQUIRE(!missing);
  CAF_CHECK(missing.error().code == errc::not_found);
  CAF_CHECK_EQUAL(missing.error().detail, "no-such-program is not installed");
  auto slow = helper->run({"sh", "-c", "exec sleep 60"}, 50ms);
  CAF_REQUIRE(!slow);
  CAF_CHECK(slow.error().code == errc::timed_out);
}

CAF_TEST(other programs are refused) {
  auto helper = start();
  auto other = helper->run({"env"});
  CAF_REQUIRE(!other);
  CAF_CHECK(other.error().code == errc::not_allowed);
}

CAF_TEST(signals that end the daemon leave the helper and not its programs) {
  auto helper = start();
  auto parent = helper->run({"sh", "-c", "echo $PPID"});
  CAF_REQUIRE(parent);
  auto pid = std::atoi(parent->out.c_str());
  CAF_REQUIRE_GREATER(pid, 1);
  for (auto signal : {SIGTERM, SIGINT, SIGHUP})
    CAF_CHECK_EQUAL(::kill(pid, signal), 0);
  auto done = helper->run({"sh", "-c", "kill -TERM $$; echo alive"});
  CAF_REQUIRE(done);
  CAF_CHECK_EQUAL(done->status, 128 + SIGTERM);
}

CAF_TEST(a helper that has gone is told) {
  auto helper = start();
  auto parent = helper->run({"sh", "-c", "echo $PPID"});
  CAF_REQUIRE(parent);
  ::kill(std::atoi(parent->out.c_str()), SIGKILL);
  auto done = helper->run({"sh", "-c", "true"});
  CAF_REQUIRE(!done);
  CAF_CHECK(done.error().code == errc::gone);
}

CAF_TEST(a helper runs only what is about the proxy of a desktop) {
  auto schema = "org.gnome.system.proxy";
  CAF_CHECK(is_for_desktops({"gsettings", "get", schema, "mode"}));
  CAF_CHECK(is_for_desktops({"gsettings", "writable", schema, "mode"}));
  CAF_CHECK(is_for_desktops(
      {"gsettings", "set", schema, "autoconfig-url", "'http://x/'"}));
  CAF_CHECK(!is_for_desktops({"gsettings", "set", schema, "mode"}));
  CAF_CHECK(!is_for_desktops({"gsettings", "get", schema, "mode", "x"}));
  CAF_CHECK(is_for_desktops({"gsettings", "reset", schema, "mode"}));
  CAF_CHECK(!is_for_desktops({"gsettings", "reset", schema, "ignore-hosts"}));
  CAF_CHECK(!is_for_desktops({"gsettings", "reset-recursively", schema}));
  CAF_CHECK(!is_for_desktops({"gsettings", "set",
                              "org.gnome.settings-daemon.plugins.media-keys",
                              "mode", "x"}));
  CAF_CHECK(
      !is_for_desktops({"gsettings", "set", schema, "ignore-hosts", "[]"}));
  CAF_CHECK(!is_for_desktops({"sh", "-c", "true"}));
  CAF_CHECK(!is_for_desktops({"dbus-send", "--system"}));
  CAF_CHECK(!is_for_desktops({}));
}
