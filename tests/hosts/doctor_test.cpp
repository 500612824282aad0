#define CAF_SUITE doctor

#include "hosts/common/doctor.hpp"
#include "hosts/common/doctor_text.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <functional>
#include <set>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

using namespace std::chrono_literals;

device_id id_of(uint8_t x) {
  std::vector<uint8_t> bytes(device_id::size, x);
  return device_id::from(bytes);
}

control::peer peer_of(uint8_t x, const char* name, const char* address) {
  control::peer out;
  out.id = to_string(id_of(x));
  out.name = name;
  out.address = address;
  out.state = "connected";
  out.protocol = "2";
  out.trust = "trusted";
  return out;
}

/// A device on a LAN with a line of its own, and a daemon with one peer.
doctor_facts healthy() {
  doctor_facts out;
  out.version = "1.2.3";
  auto loaded = load_settings("", {}, plain_environment());
  CAF_REQUIRE(loaded);
  out.options = *loaded;
  out.status.emplace();
  out.status->daemon.id = to_string(id_of(1));
  out.status->daemon.version = "1.2.3";
  out.status->sharing.state = "on";
  out.status->peers = {peer_of(2, "kitchen", "10.0.0.2:45679")};
  out.interfaces = {
      {"lo", 1, "127.0.0.1", 8, "", true, false, true, false},
      {"lan0", 2, "10.0.0.1", 24, "", true, true, false, false},
      {"wan0", 3, "192.168.7.2", 24, "", true, true, false, false},
  };
  out.multicast = {{"lan0", "10.0.0.1", true, ""},
                   {"wan0", "192.168.7.2", true, ""}};
  out.heard = {{id_of(2), {"10.0.0.2", 45679}, 2}};
  out.listened = 5s;
  out.way_out = "wan0";
  out.system.ways_out = {{"wan0", "192.168.7.1"}};
  out.system.clock_set = true;
  out.system.metered = false;
  out.now = std::chrono::system_clock::time_point{1'800'000'000s};
  out.newest = out.now - 60s;
  return out;
}

/// Nobody but this device.
doctor_facts lonely() {
  auto out = healthy();
  out.status->peers.clear();
  out.heard.clear();
  return out;
}

doctor_facts without_daemon(errc code) {
  auto out = lonely();
  out.status.reset();
  out.no_daemon = make_error(code, "no daemon at /run/x");
  return out;
}

std::string ids_of(const std::vector<finding>& all) {
  std::string out;
  for (auto& x : all)
    out += (out.empty() ? "" : " ") + std::string{to_string(x.severity)} + ":"
           + x.id;
  return out;
}

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

constexpr auto peers_port =
    R"({"match":{"op":"==","left":{"payload":{"protocol":"tcp",
        "field":"dport"}},"right":45679}})";

using change = std::function<void(doctor_facts&)>;

struct row {
  const char* about;
  doctor_facts facts;
  change what;
  const char* expected; ///< `severity:id` of all findings, in their order
};

dialled_fact failed(const char* address, errc code) {
  return {{address, 45679}, "", "", make_error(code, "no connection")};
}

std::vector<row> daemon_rows() {
  return {
      {"no daemon", without_daemon(errc::connection_refused), [](auto&) {},
       "problem:no-daemon problem:alone"},
      {"another user's daemon", without_daemon(errc::permission_denied),
       [](auto&) {}, "problem:daemon-refuses problem:alone"},
      {"a daemon that hangs", without_daemon(errc::timed_out), [](auto&) {},
       "problem:daemon-silent problem:alone"},
      {"another version runs", healthy(),
       [](auto& x) { x.status->daemon.version = "1.2.2"; },
       "warning:daemon-outdated"},
      {"a wrong file", healthy(),
       [](auto& x) { x.config_mistakes = "a.ini:1: b\na.ini:2: c\n"; },
       "problem:configuration"},
      {"a port of the proxy", healthy(),
       [](auto& x) {
         x.taken = {{"[proxy] listen",
                     false,
                     {"127.0.0.1", 3128},
                     make_error(errc::address_in_use, "taken"),
                     "squid"}};
       },
       "problem:port-taken"},
      {"a port below 1024", healthy(),
       [](auto& x) {
         x.taken = {{"[proxy] listen",
                     false,
                     {"127.0.0.1", 80},
                     make_error(errc::permission_denied, "no"),
                     ""}};
       },
       "problem:port-refused"},
      {"a clock of last year", healthy(),
       [](auto& x) { x.newest = x.now + 8760h; }, "problem:clock-wrong"},
      {"a clock that is behind those of origins", healthy(),
       [](auto& x) {
         x.status->clock = {3600, 4};
       },
       "problem:clock-wrong"},
      {"a clock that is ahead of them", healthy(),
       [](auto& x) {
         x.status->clock = {-600, 4};
       },
       "problem:clock-wrong"},
      {"a clock that differs by what answers take", healthy(),
       [](auto& x) {
         x.status->clock = {-60, 4};
       },
       ""},
      {"a clock that drifts", healthy(),
       [](auto& x) { x.system.clock_set = false; }, "note:clock-unset"},
  };
}

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
       [](auto& x) { x.options.wan.bind = {"wwan0"}; }, "warning:wan-missing"},
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
  };
}

void check(std::vector<row> rows) {
  for (auto& x : rows) {
    x.what(x.facts);
    auto found = examine(x.facts);
    CAF_MESSAGE(x.about);
    CAF_CHECK_EQUAL(ids_of(found), x.expected);
    for (auto& one : found) {
      CAF_CHECK(!one.text.empty() && one.text.back() == '.');
      CAF_CHECK(!one.fix.empty());
    }
  }
}

const finding& only(const std::vector<finding>& all) {
  CAF_REQUIRE_EQUAL(all.size(), 1u);
  return all.front();
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (auto& x : texts)
    out += x + "; ";
  return out;
}

} // namespace

CAF_TEST(nothing is found where all is well) {
  CAF_CHECK_EQUAL(ids_of(examine(healthy())), "");
}

CAF_TEST(what is wrong with the daemon is found) {
  check(daemon_rows());
}

CAF_TEST(what is wrong with the network is found) {
  check(network_rows());
}

CAF_TEST(what is wrong with other devices is found) {
  check(device_rows());
}

CAF_TEST(what makes downloads no faster is found) {
  check(line_rows());
}

CAF_TEST(problems come before warnings and notes) {
  auto x = healthy();
  x.system.clock_set = false;
  x.status->daemon.version = "0";
  x.options.pool.enabled = false;
  CAF_CHECK_EQUAL(ids_of(examine(x)), "problem:pooling-off "
                                      "warning:daemon-outdated "
                                      "note:clock-unset");
  CAF_CHECK(has_problem(examine(x)));
  x.options.pool.enabled = true;
  CAF_CHECK(!has_problem(examine(x)));
}

CAF_TEST(a wrong clock is told with what hosts say) {
  auto x = healthy();
  x.status->clock = {-7200, 5};
  auto found = examine(x);
  auto& made = only(found);
  CAF_CHECK(made.text.find("is ahead") != std::string::npos);
  CAF_CHECK_EQUAL(joined(made.evidence),
                  "it shows 2027-01-15T08:00Z, but the answers of 5 hosts to "
                  "the daemon within the last hour say 2027-01-15T06:00Z by "
                  "their median: it is 2h00m off; ");
}

CAF_TEST(a taken port is told with who has it) {
  auto x = healthy();
  x.taken = {{"[discovery] port",
              true,
              {"239.255.60.60", 45678},
              make_error(errc::address_in_use, "taken"),
              "avahi (process 12)"}};
  auto found = examine(x);
  auto& one = only(found);
  CAF_CHECK(contains(one.text, "UDP 239.255.60.60:45678"));
  CAF_CHECK(contains(joined(one.evidence), "avahi (process 12)"));
  CAF_CHECK(contains(one.fix, "[discovery] port"));
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

CAF_TEST(findings are printed with their evidence and fix) {
  auto x = healthy();
  x.options.pool.enabled = false;
  auto text = to_text(doctor_lines(x, examine(x)));
  CAF_CHECK(contains(text, "problem: Downloads of this device are not shared "
                           "out. [pooling-off]\n"));
  CAF_CHECK(contains(text, "  seen: [pool] enabled=false\n"));
  CAF_CHECK(contains(text, "  fix:  Set [pool] enabled=true.\n"));
  CAF_CHECK(contains(text, "1 problem in the way\n"));
  auto well = to_text(doctor_lines(healthy(), {}));
  CAF_CHECK(contains(well, "nothing is in the way of a pod here\n"));
}

CAF_TEST(what others say cannot write on the screen) {
  auto x = healthy();
  x.status->peers[0].pauses = true;
  x.status->peers[0].name = "a\x1b[2J";
  auto text = to_text(doctor_lines(x, examine(x)));
  CAF_CHECK(!contains(text, "\x1b"));
}

CAF_TEST(programs get the findings and the facts as JSON) {
  auto x = healthy();
  x.options.pool.enabled = false;
  auto out = doctor_json(x, examine(x));
  CAF_CHECK_EQUAL(out.at("ok").as_bool(), false);
  CAF_CHECK_EQUAL(out.at("findings").as_array().size(), 1u);
  auto& first = out.at("findings").as_array().at(0).as_object();
  CAF_CHECK_EQUAL(std::string{first.at("id").as_string()}, "pooling-off");
  CAF_CHECK_EQUAL(std::string{first.at("severity").as_string()}, "problem");
  auto& facts = out.at("facts").as_object();
  CAF_CHECK_EQUAL(facts.at("multicast").as_array().size(), 2u);
  CAF_CHECK_EQUAL(std::string{facts.at("way_out").as_string()}, "wan0");
  auto fine = doctor_json(healthy(), {});
  CAF_CHECK_EQUAL(fine.at("ok").as_bool(), true);
}
