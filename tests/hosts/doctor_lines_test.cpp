#define CAF_SUITE doctor_lines

#include "tests/hosts/doctor_fixture.hpp"

#include <algorithm>

using namespace peapod;
using namespace peapod::test;

namespace {

std::vector<control::own_line> own_lines() {
  std::vector<control::own_line> out(2);
  out[0].name = "wan0";
  out[1].name = "wan1";
  for (auto& x : out) {
    x.up = true;
    x.line = {"adds capacity", "", "another gateway"};
  }
  return out;
}

std::vector<row> line_rows() {
  return {
      {"one line for two, says an older daemon", healthy(),
       [](auto& x) { x.status->peers[0].same_line = x.status->daemon.id; },
       "warning:same-line"},
      {"one line for two, measured", healthy(),
       [](auto& x) {
         x.status->peers[0].line = {"same line", "this device",
                                    "measured: both slow down together"};
       },
       "warning:same-line"},
      {"one public address", healthy(),
       [](auto& x) {
         x.status->peers[0].line = {"same line", "this device",
                                    "same public address"};
       },
       "note:same-line"},
      {"one gateway, by its link-layer address", healthy(),
       [](auto& x) {
         x.status->peers[0].line = {"same line", "this device", "same gateway"};
       },
       "note:same-gateway"},
      {"another gateway in the same network", healthy(),
       [](auto& x) {
         x.way_out = "lan0";
         x.system.ways_out = {{"lan0", "10.0.0.254"}};
         x.status->peers[0].line = {"adds capacity", "", "another gateway"};
       },
       ""},
      {"another public address behind the same gateway", healthy(),
       [](auto& x) {
         x.way_out = "lan0";
         x.system.ways_out = {{"lan0", "10.0.0.254"}};
         x.status->peers[0].line = {
             "adds capacity", "",
             "another public address behind the same gateway"};
       },
       ""},
      {"what a peer brings costs", healthy(),
       [](auto& x) {
         x.status->peers[0].line = {"metered", "",
                                    "it says that it is metered"};
       },
       "note:peer-metered"},
      {"own lines of one router", healthy(),
       [](auto& x) {
         x.status->lines = own_lines();
         x.status->lines[1].line = {"same line", "wan0", "same gateway"};
       },
       "note:own-line-same"},
      {"own lines that were measured to be one", healthy(),
       [](auto& x) {
         x.status->lines = own_lines();
         x.status->lines[1].line = {"same line", "wan0",
                                    "measured: both slow down together"};
       },
       "warning:own-line-same"},
      {"an own line that has gone", healthy(),
       [](auto& x) {
         x.status->lines = own_lines();
         x.status->lines[1].up = false;
         x.status->lines[1].line = {"paused", "", "it is not connected"};
       },
       "warning:own-line-down"},
      {"one gateway for two", healthy(),
       [](auto& x) {
         x.way_out = "lan0";
         x.system.ways_out = {{"lan0", "10.0.0.254"}};
       },
       "note:same-gateway"},
      {"paused because the line is metered", healthy(),
       [](auto& x) {
         x.status->sharing.state = "paused";
         x.status->sharing.why = "the connection is metered";
         x.status->sharing.metered = true;
       },
       "warning:metered"},
      {"paused for another reason", healthy(),
       [](auto& x) { x.status->sharing.state = "paused"; }, "warning:paused"},
      {"metered and no daemon", without_daemon(errc::connection_refused),
       [](auto& x) { x.system.metered = true; },
       "problem:no-daemon problem:alone warning:metered"},
      {"nothing for others", healthy(),
       [](auto& x) { x.status->sharing.state = "off"; }, "note:sharing-off"},
      {"a peer that pauses", healthy(),
       [](auto& x) { x.status->peers[0].pauses = true; },
       "warning:peer-paused"},
      {"a peer that failed too often", healthy(),
       [](auto& x) { x.status->peers[0].state = "set aside"; },
       "warning:peer-set-aside"},
      {"pooling is off", healthy(),
       [](auto& x) { x.options.pool.enabled = false; }, "problem:pooling-off"},
      {"no host is pooled", healthy(),
       [](auto& x) {
         x.options.pool.never_hosts = {*parse_host_pattern("a.example"),
                                       *parse_host_pattern("*")};
       },
       "problem:never-pooled"},
      {"some hosts are not pooled", healthy(),
       [](auto& x) {
         x.options.pool.never_hosts = {*parse_host_pattern("a.example")};
       },
       ""},
  };
}

/// What keeps HTTPS on the own line.
std::vector<row> at_home() {
  return {
      {"tunnels are off", healthy(),
       [](auto& x) { x.options.tunnels.mode = tunnel_mode::off; },
       "warning:tunnels-off"},
      {"all hosts stay at home", healthy(),
       [](auto& x) {
         x.options.tunnels.home_hosts = {*parse_host_pattern("*")};
       },
       "warning:all-at-home"},
      {"a daemon that does not say who opens tunnels", healthy(),
       [](auto& x) { x.status->peers[0].tunnels.reset(); }, ""},
      {"a peer opens tunnels", healthy(),
       [](auto& x) { x.status->peers[0].tunnels = true; }, ""},
      {"the only peer opens none", healthy(),
       [](auto& x) { x.status->peers[0].tunnels = false; }, "warning:no-exits"},
      {"one of two opens none", healthy(),
       [](auto& x) {
         x.status->peers.push_back(peer_of(3, "attic", "10.0.0.3:45679"));
         x.heard.push_back({id_of(3), {"10.0.0.3", 45679}, 2});
         x.status->peers[0].tunnels = false;
         x.status->peers[1].tunnels = true;
       },
       ""},
      {"the only peer pauses", healthy(),
       [](auto& x) {
         x.status->peers[0].tunnels = true;
         x.status->peers[0].pauses = true;
       },
       "warning:peer-paused"},
      {"one pauses and one opens none", healthy(),
       [](auto& x) {
         x.status->peers.push_back(peer_of(3, "attic", "10.0.0.3:45679"));
         x.heard.push_back({id_of(3), {"10.0.0.3", 45679}, 2});
         x.status->peers[0].pauses = true;
         x.status->peers[1].tunnels = false;
       },
       "warning:no-exits warning:peer-paused"},
      {"nobody is asked who opens tunnels where they are off", healthy(),
       [](auto& x) {
         x.options.tunnels.mode = tunnel_mode::off;
         x.status->peers[0].tunnels = false;
       },
       "warning:tunnels-off"},
  };
}

} // namespace

CAF_TEST(what makes downloads no faster is found) {
  check(line_rows());
}

CAF_TEST(what keeps https on the own line is found) {
  check(at_home());
}

CAF_TEST(why nobody opens tunnels is told for each) {
  auto x = healthy();
  x.status->peers[0].tunnels = false;
  x.status->peers.push_back(peer_of(3, "attic", "10.0.0.3:45679"));
  x.status->peers[1].protocol = "1";
  x.heard.push_back({id_of(3), {"10.0.0.3", 45679}, 1});
  x.options.transport.legacy = true;
  auto found = examine(x);
  auto made = std::ranges::find(found, "no-exits", &finding::id);
  CAF_REQUIRE(made != found.end());
  CAF_CHECK_EQUAL(joined(made->evidence),
                  "kitchen: it opens none ([share] tunnels=0 there, or an "
                  "older version); attic: it speaks protocol 1, which has no "
                  "tunnels; ");
  x.options.tunnels.mode = tunnel_mode::off;
  x.status->proxy = {{"tunnels", 9}, {"relayed_tunnels", 2}};
  found = examine(x);
  made = std::ranges::find(found, "tunnels-off", &finding::id);
  CAF_REQUIRE(made != found.end());
  CAF_CHECK_EQUAL(joined(made->evidence),
                  "[tunnels] mode=\"off\"; 2 of 9 tunnels since the start left "
                  "through a peer; ");
}
