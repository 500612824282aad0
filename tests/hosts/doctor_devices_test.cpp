#define CAF_SUITE doctor_devices

#include "tests/hosts/doctor_fixture.hpp"

using namespace peapod;
using namespace peapod::test;

namespace {

std::vector<row> device_rows() {
  return {
      {"nobody else", lonely(), [](auto&) {}, "problem:alone"},
      {"a static peer that is off", lonely(),
       [](auto& x) {
         x.dialled = {failed("10.0.0.3", errc::connect_timed_out)};
         x.system.neighbours = {{"10.0.0.3", "lan0", false}};
       },
       "problem:peer-unreachable"},
      {"a static peer far away", lonely(),
       [](auto& x) { x.dialled = {failed("172.16.0.3", errc::unreachable)}; },
       "problem:peer-unreachable"},
      {"no daemon on a static peer", lonely(),
       [](auto& x) {
         x.dialled = {failed("10.0.0.3", errc::connection_refused)};
       },
       "problem:peer-closed"},
      {"heard and not reached", lonely(),
       [](auto& x) {
         x.heard = {{id_of(3), {"10.0.0.3", 45679}, 2}};
         x.dialled = {failed("10.0.0.3", errc::connect_timed_out)};
         x.system.neighbours = {{"10.0.0.3", "lan0", false}};
       },
       "problem:isolation"},
      {"known and not reached though it is a neighbour", lonely(),
       [](auto& x) {
         x.dialled = {failed("10.0.0.3", errc::connect_timed_out)};
         x.system.neighbours = {{"10.0.0.3", "lan0", true}};
       },
       "problem:isolation"},
      {"one address of two is enough", healthy(),
       [](auto& x) {
         x.dialled = {failed("10.0.0.3", errc::connect_timed_out),
                      {{"10.0.0.4", 45679}, "", "", std::nullopt}};
         for (auto& one : x.dialled)
           one.id = to_string(id_of(3));
       },
       ""},
      {"protocol 1 is not taken", healthy(),
       [](auto& x) {
         x.heard.push_back({id_of(9), {"10.0.0.9", 45679}, 1});
       },
       "problem:version-mismatch"},
      {"protocol 1 is taken", healthy(),
       [](auto& x) {
         x.heard.push_back({id_of(9), {"10.0.0.9", 45679}, 1});
         x.options.transport.legacy = true;
         x.options.trust.legacy_devices = {id_of(9)};
       },
       ""},
      {"a newer protocol", healthy(), [](auto& x) { x.heard[0].protocol = 3; },
       "note:newer-version"},
      {"beacons of a connected device do not come", healthy(),
       [](auto& x) { x.heard.clear(); }, "note:multicast-lost"},
      {"a device waits", healthy(),
       [](auto& x) {
         x.status->peers[0].state = "waiting";
         x.status->peers[0].trust = "waiting";
       },
       "problem:not-let-in"},
      {"a device lets us wait", healthy(),
       [](auto& x) { x.status->peers[0].state = "waiting"; },
       "problem:not-let-in-there"},
      {"another secret", healthy(),
       [](auto& x) {
         x.options.trust.mode = trust_mode::secret;
         x.status->peers[0].state = "backing off";
         x.status->peers[0].trust = "stranger";
       },
       "problem:other-secret"},
      {"no room to wait there", healthy(),
       [](auto& x) {
         x.status->peers[0].state = "backing off";
         x.status->peers[0].trust = "stranger";
         x.status->peers[0].why =
             "cancelled: too many devices wait to be accepted";
       },
       "problem:no-room-there"},
      {"no room to wait here", healthy(),
       [](auto& x) { x.status->crowded = true; }, "warning:crowded"},
      {"no secret", healthy(),
       [](auto& x) { x.no_secret = make_error(errc::not_found, "none"); },
       "problem:no-secret"},
  };
}

} // namespace

CAF_TEST(what is wrong with other devices is found) {
  check(device_rows());
}

CAF_TEST(isolation is told with the neighbour that does answer) {
  auto x = lonely();
  x.way_out = "lan0";
  x.system.ways_out = {{"lan0", "10.0.0.254"}};
  x.heard = {{id_of(3), {"10.0.0.3", 45679}, 2}};
  x.dialled = {failed("10.0.0.3", errc::connect_timed_out)};
  x.system.neighbours = {{"10.0.0.254", "lan0", true},
                         {"10.0.0.3", "lan0", false}};
  auto found = examine(x);
  auto evidence = joined(only(found).evidence);
  CAF_CHECK(contains(evidence, "its beacons are heard"));
  CAF_CHECK(contains(evidence, "does not say where it is on lan0"));
  CAF_CHECK(contains(evidence, "the gateway 10.0.0.254 does"));
  CAF_CHECK(contains(only(found).fix, "client isolation"));
}

CAF_TEST(a lonely device is told that its network is there) {
  auto x = lonely();
  x.way_out = "lan0";
  x.system.ways_out = {{"lan0", "10.0.0.254"}};
  x.system.neighbours = {{"10.0.0.254", "lan0", true}};
  x.multicast.pop_back();
  auto evidence = joined(only(examine(x)).evidence);
  CAF_CHECK(contains(evidence, "nobody else was heard for 5 s"));
  CAF_CHECK(contains(evidence, "the gateway 10.0.0.254 of lan0 answers"));
}
