#include "hosts/linux/capabilities_linux.hpp"

#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>

#define CAF_SUITE capabilities
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

constexpr capability_set net_raw = 1 << CAP_NET_RAW;
constexpr capability_set for_others =
    1 << CAP_CHOWN | 1 << CAP_FOWNER | 1 << CAP_DAC_OVERRIDE;

bool is_root() {
  return ::geteuid() == 0;
}

/// The sets of this thread by the names that the kernel gives them.
std::map<std::string, capability_set> sets_now() {
  std::map<std::string, capability_set> out;
  std::ifstream in{"/proc/thread-self/status"};
  for (std::string name, value; in >> name && std::getline(in, value);)
    if (name.starts_with("Cap"))
      out[name] = std::stoull(value, nullptr, 16);
  return out;
}

/// Whether all sets are within `kept`. Only root can shrink the bounding set.
bool are_within(capability_set kept) {
  auto sets = sets_now();
  if (!is_root())
    sets.erase("CapBnd:");
  return sets.size() >= 4 && std::ranges::all_of(sets, [kept](auto& x) {
           return (x.second & ~kept) == 0;
         });
}

/// Whether `what` holds in a process that has kept only `kept`.
bool holds_with(capability_set kept, const std::function<bool()>& what) {
  auto child = ::fork();
  if (child == 0)
    ::_exit(keep_capabilities(kept) && what() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool opens_raw_socket() {
  return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0;
}

/// A folder of this user, where all files of its settings lie.
struct capabilities_fixture {
  std::filesystem::path folder = std::filesystem::temp_directory_path()
                                 / ("peapod-own-" + std::to_string(::getpid()));
  settings x;

  capabilities_fixture() {
    std::filesystem::create_directory(folder);
    ::setenv("HOME", folder.c_str(), 1);
    x.pod.state_dir = folder / "not" / "there";
    x.console.socket = folder / "control.sock";
  }

  ~capabilities_fixture() {
    std::filesystem::remove(folder);
  }
};

} // namespace

CAF_TEST(nothing is kept that is not needed) {
  CAF_CHECK(holds_with(0, [] { return are_within(0); }));
  CAF_CHECK(holds_with(0, [] { return !opens_raw_socket(); }));
  CAF_CHECK(holds_with(net_raw, [] { return are_within(net_raw); }));
  if (is_root())
    CAF_CHECK(holds_with(net_raw, opens_raw_socket));
}

CAF_TEST(threads and programs begin without it) {
  CAF_CHECK(holds_with(0, [] {
    bool out = false;
    std::thread{[&] { out = are_within(0); }}.join();
    return out;
  }));
  if (is_root())
    CAF_CHECK(holds_with(0, [] {
      return std::system("grep -q '^CapEff:.*[1-9a-f]' /proc/self/status") != 0;
    }));
}

CAF_TEST(what was given up does not come back) {
  CAF_CHECK(holds_with(0, [] {
    return keep_capabilities(~capability_set{0}) && are_within(0);
  }));
}

CAF_TEST_FIXTURE_SCOPE(capabilities_tests, capabilities_fixture)

CAF_TEST(most daemons need none) {
  CAF_CHECK_EQUAL(needed_capabilities(x), 0u);
  x.wan.bind = {"192.0.2.1", "2001:db8::1"};
  CAF_CHECK_EQUAL(needed_capabilities(x), 0u);
}

CAF_TEST(an interface that is bound to needs one) {
  x.wan.bind = {"192.0.2.1", "eth0"};
  CAF_CHECK_EQUAL(needed_capabilities(x), net_raw);
}

CAF_TEST(a low port needs one) {
  x.proxy.listen.port = 80;
  CAF_CHECK_EQUAL(needed_capabilities(x), 1u << CAP_NET_BIND_SERVICE);
}

CAF_TEST(a group of the socket needs one) {
  x.console.group = "users";
  CAF_CHECK_EQUAL(needed_capabilities(x), 1u << CAP_CHOWN);
}

CAF_TEST(root keeps what the files of another user need) {
  if (!is_root())
    return;
  constexpr uid_t nobody = 65534;
  CAF_REQUIRE_EQUAL(::chown(folder.c_str(), nobody, nobody), 0);
  CAF_CHECK_EQUAL(needed_capabilities(x), for_others);
  x.pod.state_dir = x.console.socket = "/";
  CAF_CHECK_EQUAL(needed_capabilities(x), for_others);
  ::unsetenv("HOME");
  CAF_CHECK_EQUAL(needed_capabilities(x), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
