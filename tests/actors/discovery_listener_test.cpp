#define CAF_SUITE discovery_listener

#include "core/wire_codec.hpp"
#include "tests/actors/pod_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct discovery_listener_fixture : pod_fixture {
  device_ptr x = online();
  identity stranger = identity::generate(x->env->ports.random);

  device_ptr online() {
    auto out = add_device();
    go_online(*out);
    return out;
  }

  beacon beacon_of(const identity& who) {
    beacon out;
    out.device = who.device();
    out.key = who.key();
    out.listen_port = 45679;
    out.hello = hello_extension{1, 0, "stranger"};
    return out;
  }

  void hear(const wire_message& what, const std::string& from) {
    auto frame = encode_frame(what);
    CAF_REQUIRE(frame);
    x->group->hear({{from, 45678}, slice{std::move(*frame)}});
    settle();
  }

  size_t known() {
    return status(*x).peers.size();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(discovery_listener_tests, discovery_listener_fixture)

CAF_TEST(a device announces itself in a burst and then every four seconds) {
  CAF_CHECK_EQUAL(x->group->announced, 1u);
  std::vector<unsigned> counts;
  for (auto wait : {100ms, 250ms, 500ms, 1000ms}) {
    pass(wait);
    counts.push_back(x->group->announced);
  }
  CAF_CHECK(counts == std::vector<unsigned>({2, 3, 4, 5}));
  pass(3900ms);
  CAF_CHECK_EQUAL(x->group->announced, 5u);
  pass(4100ms);
  CAF_CHECK_EQUAL(x->group->announced, 7u);
}

CAF_TEST(a beacon is answered to where it came from) {
  hear(beacon_of(stranger), "192.0.2.50");
  CAF_REQUIRE_EQUAL(x->group->replies.size(), 1u);
  CAF_CHECK_EQUAL(x->group->replies[0].address, "192.0.2.50");
  CAF_CHECK_EQUAL(known(), 1u);
}

CAF_TEST(an answer to a beacon is not answered) {
  auto heard = beacon_of(stranger);
  hear(discovery_response{1, heard.device, heard.key, 45679, heard.hello},
       "192.0.2.50");
  CAF_CHECK(x->group->replies.empty());
  CAF_CHECK_EQUAL(known(), 1u);
}

CAF_TEST(who would not be taken is not answered) {
  trusting = false;
  auto y = online();
  auto heard = beacon_of(stranger);
  heard.hello.reset();
  auto frame = encode_frame(heard);
  CAF_REQUIRE(frame);
  y->group->replies.clear();
  y->group->hear({{"192.0.2.50", 45678}, slice{std::move(*frame)}});
  settle();
  CAF_CHECK(y->group->replies.empty());
}

CAF_TEST(a device that is somewhere else announces itself as at the start) {
  pass(10s, 50ms);
  auto before = x->group->announced;
  tell(caf::actor_cast<caf::strong_actor_ptr>(x->env->discovery.get()),
       announce_anew{});
  settle();
  CAF_CHECK_EQUAL(x->group->announced, before + 1);
  pass(1900ms);
  CAF_CHECK_EQUAL(x->group->announced, before + 5);
  // The beacons of before do not go on beside the new ones.
  pass(3900ms);
  CAF_CHECK_EQUAL(x->group->announced, before + 5);
  pass(200ms);
  CAF_CHECK_EQUAL(x->group->announced, before + 6);
}

CAF_TEST(addresses that change without end are not all announced) {
  pass(10s, 50ms);
  auto before = x->group->announced;
  for (int i = 0; i < 60; ++i) {
    tell(caf::actor_cast<caf::strong_actor_ptr>(x->env->discovery.get()),
         announce_anew{});
    pass(130ms, 10ms);
  }
  auto meanwhile = x->group->announced - before;
  CAF_CHECK(meanwhile >= 8);
  CAF_CHECK(meanwhile <= 16);
  // The last place is told, nevertheless.
  before = x->group->announced;
  pass(2s, 10ms);
  CAF_CHECK(x->group->announced > before);
}

CAF_TEST(one address is answered twice a second at most) {
  for (int i = 0; i < 20; ++i)
    hear(beacon_of(identity::generate(x->env->ports.random)), "192.0.2.50");
  CAF_CHECK_EQUAL(x->group->replies.size(), 1u);
  pass(500ms);
  hear(beacon_of(stranger), "192.0.2.50");
  CAF_CHECK_EQUAL(x->group->replies.size(), 2u);
}

CAF_TEST(a flood of addresses is not answered without measure) {
  for (int i = 0; i < 600; ++i)
    hear(beacon_of(stranger), "198.51.100." + std::to_string(i));
  CAF_CHECK(x->group->replies.size() <= 256);
}

CAF_TEST(beacons that are not what they claim are ignored) {
  auto other = identity::generate(x->env->ports.random);
  auto lie = beacon_of(stranger);
  lie.device = other.device();
  hear(lie, "192.0.2.50");
  auto nowhere = beacon_of(stranger);
  nowhere.listen_port = 0;
  hear(nowhere, "192.0.2.51");
  auto later = beacon_of(stranger);
  later.protocol_version = 9;
  later.hello.reset();
  hear(later, "192.0.2.52");
  hear(beacon_of(*x->env->self), "192.0.2.53");
  hear(heartbeat{stranger.device(), {}}, "192.0.2.54");
  x->group->hear({{"192.0.2.55", 1}, slice{"no frame at all"}});
  settle();
  CAF_CHECK(x->group->replies.empty());
  CAF_CHECK_EQUAL(known(), 0u);
  // It still listens.
  hear(beacon_of(stranger), "192.0.2.50");
  CAF_CHECK_EQUAL(known(), 1u);
}

CAF_TEST(a device that nobody hears says so once) {
  x->group->deaf = true;
  auto before = x->log.size();
  pass(20s, 50ms);
  CAF_CHECK_EQUAL(x->log.size(), before + 1);
  CAF_CHECK(x->log.back().find("cannot announce") != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
