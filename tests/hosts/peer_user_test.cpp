#include "hosts/net/peer_user.hpp"

#include "hosts/common/control_client.hpp"
#include "tests/hosts/control_fixture.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#define CAF_SUITE peer_user
#include <caf/test/unit_test.hpp>

using namespace peapod;
using net::test::contains;

namespace {

using peer_user_fixture = net::test::control_fixture;

std::vector<net::group_number> own_groups() {
  std::vector<gid_t> out(static_cast<size_t>(::getgroups(0, nullptr)));
  out.resize(static_cast<size_t>(
      ::getgroups(static_cast<int>(out.size()), out.data())));
  return {out.begin(), out.end()};
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(peer_user_tests, peer_user_fixture)

CAF_TEST(the system knows who is behind a socket) {
  int ends[2];
  CAF_REQUIRE_EQUAL(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  auto who = net::user_behind(ends[0]);
  CAF_REQUIRE(who);
  CAF_CHECK_EQUAL(who->user, ::geteuid());
  CAF_CHECK(who->is_in(::getegid()));
  for (auto group : own_groups())
    CAF_CHECK(who->is_in(group));
  CAF_CHECK(!who->is_in(123456789));
  ::close(ends[0]);
  ::close(ends[1]);
  CAF_CHECK(!net::user_behind(ends[0]));
}

CAF_TEST(groups have numbers) {
  auto root = net::find_group("root");
  CAF_REQUIRE(root);
  CAF_CHECK_EQUAL(*root, 0u);
  auto none = net::find_group("no-such-group");
  CAF_REQUIRE(!none);
  CAF_CHECK(none.error().code == errc::bad_config);
  CAF_CHECK(contains(none.error().detail, "groupadd --system no-such-group"));
}

CAF_TEST(a socket for a group has its mode and its folder lets the group in) {
  auto group = ::getegid();
  start(echo, {}, group);
  struct stat info {};
  CAF_REQUIRE_EQUAL(::stat(path.c_str(), &info), 0);
  CAF_CHECK_EQUAL(info.st_mode & 0777, 0660u);
  CAF_CHECK_EQUAL(info.st_gid, group);
  CAF_REQUIRE_EQUAL(::stat(path.parent_path().c_str(), &info), 0);
  CAF_CHECK_EQUAL(info.st_mode & 0777, 0750u);
  CAF_CHECK(ask_daemon(path, {"GET", "/", ""}));
}

CAF_TEST_FIXTURE_SCOPE_END()
