#include "hosts/common/daemon.hpp"

#include "hosts/common/exit_code.hpp"
#include "hosts/common/state_file.hpp"
#include "tests/hosts/fake_desktop.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <csignal>

#define CAF_SUITE daemon
#include <caf/test/dsl.hpp>

using namespace peapod;

namespace {

struct daemon_fixture {
  daemon_fixture() {
    options.pod.name = "test";
    options.pod.state_dir = folder / "state";
    options.proxy.listen = {"127.0.0.1", 0};
    options.transport.listen = {"127.0.0.1", 0};
    options.discovery.enabled = false;
    options.process.seccomp = false;
    options.log.level = severity::off;
  }

  ~daemon_fixture() {
    std::signal(SIGHUP, at_hangup);
  }

  /// `look` is called whenever the daemon looks for desktops.
  int run(std::function<void()> look = [] {}) {
    daemon_hooks hooks;
    hooks.find_desktops = [this, look](const process_environment&) {
      look();
      session_desktops out;
      out.all.push_back(std::make_unique<fake_desktop>(held));
      return out;
    };
    return run_daemon(options, "1", hooks);
  }

  /// The desktop uses the script of an earlier daemon.
  void hold(const std::string& script) {
    held = {"auto", script};
    CAF_REQUIRE(
        write_state_file(options.pod.state_dir / "system-proxy.json",
                         record_text({{"GNOME", {"none", ""}, {held}}})));
  }

  void fail_to_start() {
    CAF_REQUIRE(write_state_file(options.pod.state_dir / "trust.json", "{bad"));
    CAF_CHECK_EQUAL(run(), exit_failure);
  }

  /// As in a terminal; `nohup` has the tests ignore it.
  void (*at_hangup)(int) = std::signal(SIGHUP, SIG_DFL);
  scratch_folder folder;
  settings options;
  proxy_setting held{"none", ""};
};

const proxy_setting none{"none", ""};

} // namespace

CAF_TEST_FIXTURE_SCOPE(daemon_tests, daemon_fixture)

CAF_TEST(a terminal that closes ends the daemon in good order) {
  options.proxy.system = true;
  bool looked = false;
  auto code = run([&] {
    looked = true;
    std::raise(SIGHUP);
  });
  CAF_CHECK(looked);
  CAF_CHECK_EQUAL(code, exit_ok);
  CAF_CHECK(held == none);
}

CAF_TEST(a start that fails puts back what a crash has left) {
  hold("http://127.0.0.1:9/proxy.pac");
  fail_to_start();
  CAF_CHECK(held == none);
}

CAF_TEST(a start that fails takes nothing from a daemon that is too busy) {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::acceptor busy{io, {asio::ip::address_v4::loopback(), 0}};
  auto port = std::to_string(busy.local_endpoint().port());
  hold("http://127.0.0.1:" + port + "/proxy.pac");
  auto before = held;
  fail_to_start();
  CAF_CHECK(held == before);
}

CAF_TEST_FIXTURE_SCOPE_END()
