#pragma once

#include "hosts/common/doctor.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <caf/test/unit_test.hpp>

/// What the tests of `examine` have in common: facts with nothing wrong, and
/// tables of what is wrong. Included behind `CAF_SUITE`.
namespace peapod::test {

inline device_id id_of(uint8_t x) {
  std::vector<uint8_t> bytes(device_id::size, x);
  return device_id::from(bytes);
}

inline control::peer peer_of(uint8_t x, const char* name, const char* address) {
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
inline doctor_facts healthy() {
  using namespace std::chrono_literals;
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
inline doctor_facts lonely() {
  auto out = healthy();
  out.status->peers.clear();
  out.heard.clear();
  return out;
}

/// The same, and its daemon does not answer.
inline doctor_facts without_daemon(errc code) {
  auto out = lonely();
  out.status.reset();
  out.no_daemon = make_error(code, "no daemon at /run/x");
  return out;
}

/// A device that was dialled in vain.
inline dialled_fact failed(const char* address, errc code) {
  return {{address, 45679}, "", "", make_error(code, "no connection")};
}

/// `severity:id` of all findings, in their order.
inline std::string ids_of(const std::vector<finding>& all) {
  std::string out;
  for (auto& x : all)
    out += (out.empty() ? "" : " ") + std::string{to_string(x.severity)} + ":"
           + x.id;
  return out;
}

/// The only one.
inline const finding& only(const std::vector<finding>& all) {
  CAF_REQUIRE_EQUAL(all.size(), 1u);
  return all.front();
}

/// Evidence in one line.
inline std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (auto& x : texts)
    out += x + "; ";
  return out;
}

/// What is found when something is wrong.
struct row {
  const char* about;
  doctor_facts facts;
  std::function<void(doctor_facts&)> what;
  const char* expected; ///< as in `ids_of`
};

inline void check(std::vector<row> rows) {
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

} // namespace peapod::test
