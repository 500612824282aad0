#define CAF_SUITE network_change

#include "core/wire_codec.hpp"
#include "tests/actors/pod_fixture.hpp"

#include <algorithm>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct network_change_fixture : pod_fixture {
  device_ptr x = online();
  device_ptr y = online();

  network_change_fixture() {
    pass(20s, 50ms);
    CAF_REQUIRE(connected(*x) && connected(*y));
  }

  device_ptr online() {
    auto out = add_device();
    go_online(*out);
    return out;
  }

  bool connected(device& who) {
    auto peers = status(who).peers;
    return peers.size() == 1 && peers[0].state == "connected";
  }

  size_t logged(device& who, const std::string& what) const {
    auto has = [&](auto& line) { return line.find(what) != std::string::npos; };
    return static_cast<size_t>(std::ranges::count_if(who.log, has));
  }

  /// How many sessions a device has had.
  size_t sessions(device& who) const {
    return logged(who, "a session stands")
           + logged(who, "an insecure session stands");
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(network_change_tests, network_change_fixture)

CAF_TEST(a session ends with its address and is made anew) {
  auto before = sessions(*x);
  auto beacons = x->group->announced;
  x->around->tell({{"192.0.2.200"}, true, {}});
  settle();
  CAF_CHECK_EQUAL(logged(*x, "a session has ended: cancelled: this device has "
                             "lost its address "
                                 + address_of(*x)),
                  1u);
  CAF_CHECK_EQUAL(x->group->announced, beacons + 1);
  CAF_CHECK(pass_until([&] { return connected(*x) && connected(*y); }, 2s));
  CAF_CHECK(sessions(*x) > before);
  // As at the start: in a burst.
  CAF_CHECK(pass_until([&] { return x->group->announced == beacons + 5; }, 3s));
}

CAF_TEST(a session stays while its address does) {
  auto before = sessions(*x);
  x->around->tell({{address_of(*x), "192.0.2.200"}, true, {}});
  pass(5s, 50ms);
  CAF_CHECK(connected(*x));
  CAF_CHECK_EQUAL(sessions(*x), before);
}

CAF_TEST(what has gone alone is no reason to announce anything) {
  auto before = x->group->announced;
  x->around->tell({{address_of(*x)}, false, {}});
  settle();
  CAF_CHECK_EQUAL(x->group->announced, before);
  CAF_CHECK(connected(*x));
}

CAF_TEST(after a long sleep all sessions are made anew) {
  auto before = sessions(*x);
  x->around->tell({{address_of(*x)}, false, 20s});
  settle();
  CAF_CHECK_EQUAL(logged(*x, "running again after 20 s"), 1u);
  CAF_CHECK(logged(*x, "this device was asleep") > 0);
  CAF_CHECK(pass_until([&] { return connected(*x) && connected(*y); }, 2s));
  CAF_CHECK(sessions(*x) > before);
}

CAF_TEST(a session that was made since waking stays) {
  x->around->tell({{address_of(*x)}, false, 20s});
  CAF_REQUIRE(pass_until([&] { return connected(*x) && connected(*y); }, 1s));
  auto before = sessions(*x);
  x->around->tell({{address_of(*x)}, false, 20s});
  pass(1s, 50ms);
  CAF_CHECK_EQUAL(sessions(*x), before);
  CAF_CHECK(connected(*x));
}

CAF_TEST(after a short sleep sessions go on) {
  auto before = sessions(*x);
  auto beacons = x->group->announced;
  x->around->tell({{address_of(*x)}, false, 3s});
  settle();
  CAF_CHECK_EQUAL(x->group->announced, beacons + 1);
  CAF_CHECK(connected(*x));
  CAF_CHECK_EQUAL(sessions(*x), before);
}

CAF_TEST(changes are told one after another) {
  for (int i = 0; i < 3; ++i) {
    auto beacons = x->group->announced;
    x->around->tell({{address_of(*x)}, true, {}});
    settle();
    CAF_CHECK_EQUAL(x->group->announced, beacons + 1);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
