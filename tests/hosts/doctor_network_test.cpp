#define CAF_SUITE doctor_network

#include "tests/hosts/doctor_fixture.hpp"

using namespace peapod;
using namespace peapod::test;

namespace {

firewall_rules rules_of(const char* expressions) {
  auto out = firewall_rules::parse(
      std::string{R"({"nftables":[{"chain":{"family":"inet","table":"filter",
        "name":"input","type":"filter","hook":"input","prio":0,
        "policy":"accept"}},{"rule":{"family":"inet","table":"filter",
        "chain":"input","expr":[)"}
      + expressions + R"(,{"drop":null}]}}]})");
  CAF_REQUIRE(out);
  return *out;
}

constexpr auto peers_port =
    R"({"match":{"op":"==","left":{"payload":{"protocol":"tcp",
        "field":"dport"}},"right":45679}})";

std::vector<row> network_rows() {
  return {
      {"discovery is off", healthy(),
       [](auto& x) {
         x.options.discovery.enabled = false;
         x.multicast.clear();
       },
       "problem:discovery-off"},
      {"discovery is off and peers are named", healthy(),
       [](auto& x) {
         x.options.discovery.enabled = false;
         x.options.discovery.static_peers = {{{"10.0.0.2", 45679}, {}}};
         x.multicast.clear();
       },
       "note:discovery-off"},
      {"no cable", lonely(),
       [](auto& x) {
         for (auto& one : x.interfaces)
           one.up = one.loopback;
         x.multicast.clear();
         x.way_out.clear();
       },
       "problem:no-interface problem:no-internet"},
      {"an interface that is not there", healthy(),
       [](auto& x) {
         x.options.discovery.interfaces = {"eth9", "lan0"};
       },
       "problem:interface-missing"},
      {"the way out is a bridge", healthy(),
       [](auto& x) {
         x.interfaces.push_back(
             {"br-lan", 4, "10.9.0.1", 24, "", true, true, false, false});
         x.way_out = "br-lan";
       },
       "warning:wrong-interface"},
      {"peers cannot connect", healthy(),
       [](auto& x) {
         x.options.transport.listen = {"127.0.0.1", 45679};
       },
       "problem:listen-loopback"},
      {"an address of yesterday", healthy(),
       [](auto& x) {
         x.options.transport.listen = {"10.0.0.9", 45679};
       },
       "problem:listen-elsewhere"},
      {"a line that is not there", healthy(),
       [](auto& x) {
         x.options.wan.bind = {"wan0", "wwan0"};
       },
       "warning:wan-missing"},
      {"no line is there", healthy(),
       [](auto& x) { x.options.wan.bind = {"wwan0"}; }, "problem:wan-missing"},
      {"a VPN", healthy(),
       [](auto& x) {
         x.interfaces.push_back(
             {"tun0", 4, "10.8.0.2", 24, "", true, false, false, true});
         x.system.tunnels = {"tun0"};
         x.way_out = "tun0";
       },
       "warning:vpn"},
      {"a VPN beside a chosen line", healthy(),
       [](auto& x) {
         x.system.tunnels = {"tun0"};
         x.way_out = "tun0";
         x.options.wan.bind = {"wan0"};
       },
       ""},
      {"multicast is blocked", lonely(),
       [](auto& x) {
         for (auto& one : x.multicast)
           one.heard = false;
       },
       "problem:multicast-blocked problem:multicast-blocked"},
      {"multicast of IPv6 alone", healthy(),
       [](auto& x) {
         x.multicast.push_back({"lan0", "fe80::1%lan0", true, ""});
         x.multicast[0].heard = false;
       },
       "warning:multicast-blocked"},
      {"a firewall drops connections", healthy(),
       [](auto& x) { x.system.rules = rules_of(peers_port); },
       "problem:firewall problem:firewall"},
      {"a firewall that is not understood", healthy(),
       [](auto& x) {
         x.multicast.pop_back();
         x.way_out = "lan0";
         x.system.rules = rules_of(R"({"xt":{"name":"comment"}})");
       },
       "warning:firewall warning:firewall"},
  };
}

} // namespace

CAF_TEST(what is wrong with the network is found) {
  check(network_rows());
}

CAF_TEST(blocked multicast names the rule and how to open the firewall) {
  auto x = lonely();
  x.multicast = {{"lan0", "10.0.0.1", false, ""}};
  x.way_out = "lan0";
  x.system.rules = rules_of(
      R"({"match":{"op":"==","left":{"payload":{"protocol":"udp",
          "field":"dport"}},"right":45678}})");
  auto found = examine(x);
  CAF_CHECK(
      contains(joined(only(found).evidence), "a rule of chain filter input"));
  CAF_CHECK(contains(only(found).fix, "45678/udp"));
  x.system.rules.reset();
  x.system.no_rules = "shown to root alone";
  CAF_CHECK(contains(joined(only(examine(x)).evidence), "root alone"));
}
