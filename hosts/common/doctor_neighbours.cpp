#include "hosts/common/doctor_rules.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace peapod::rules {

namespace {

using enum finding_severity;

std::string seconds_text(duration x) {
  auto seconds = std::chrono::duration<double>(x).count();
  return std::to_string(static_cast<int>(std::lround(seconds))) + " s";
}

/// A device that was heard or is known, as a person calls it.
std::string name_of(const doctor_facts& x, const device_id& id) {
  auto text = to_string(id);
  if (x.status)
    for (auto& peer : x.status->peers)
      if (peer.id == text && !peer.name.empty())
        return peer.name;
  return text.substr(0, 12);
}

std::string name_of(const dialled_fact& x) {
  return (x.name.empty() ? "" : x.name + " at ") + to_string(x.at);
}

bool is_heard(const doctor_facts& x, const std::string& address) {
  return std::ranges::any_of(
      x.heard, [&](auto& one) { return one.at.address == address; });
}

// -- what cannot be reached ---------------------------------------------------

finding refused(const dialled_fact& x) {
  return {"peer-closed",
          problem,
          name_of(x) + " takes no connections.",
          {x.failed->detail},
          "Start PeaPod there; if it runs, its firewall has to let TCP port "
              + std::to_string(x.at.port) + " in."};
}

/// Nothing came back. Who does not even tell a hardware address is kept apart
/// below IP.
finding unanswered(const doctor_facts& x, const dialled_fact& one) {
  auto near = is_neighbour(x, one.at.address);
  auto interface = interface_of(x, one.at.address);
  bool apart = near && !*near && !interface.empty();
  std::vector<std::string> evidence{one.failed->detail};
  if (is_heard(x, one.at.address))
    evidence.push_back("its beacons are heard, so that it is there");
  if (near)
    evidence.push_back(
        *near ? "it is a neighbour on " + interface + ", and says where"
              : "it does not say where it is on " + interface + " (ARP)");
  auto gateway = gateway_of(x, interface);
  if (apart && !gateway.empty() && is_neighbour(x, gateway).value_or(false))
    evidence.push_back("the gateway " + gateway + " does");
  if (interface.empty())
    return {"peer-unreachable", problem, name_of(one) + " cannot be reached.",
            evidence,
            "Look whether it is on, and at the route there: ip route get "
                + one.at.address + "."};
  if (apart && !is_heard(x, one.at.address))
    return {"peer-unreachable", problem,
            name_of(one)
                + " cannot be reached: it is off, or the access point "
                  "keeps devices apart.",
            evidence,
            "Look whether it is on. If it is, switch off client isolation (AP "
            "isolation, guest network) of the access point."};
  return {"isolation", problem,
          name_of(one)
              + " is there but cannot be reached: the access point keeps "
                "devices apart, or a firewall of one of both drops packets.",
          evidence,
          "Switch off client isolation (AP isolation, guest network) of the "
          "access point, and let TCP port "
              + std::to_string(one.at.port)
              + " in from the local network on both devices."};
}

/// One address of a device is enough, and one of them is told of.
bool is_told(const doctor_facts& x, const dialled_fact& one) {
  for (auto& other : x.dialled) {
    bool same = !one.id.empty() && other.id == one.id;
    if (&other == &one)
      return std::ranges::any_of(x.dialled, [&](auto& y) {
        return !one.id.empty() && y.id == one.id && !y.failed;
      });
    if (same)
      return true;
  }
  return false;
}

void judge_dialled(const doctor_facts& x, findings& out) {
  for (auto& one : x.dialled) {
    if (!one.failed || is_told(x, one))
      continue;
    if (one.failed->code == errc::connection_refused)
      out.push_back(refused(one));
    else
      out.push_back(unanswered(x, one));
  }
}

// -- who is not heard ---------------------------------------------------------

std::vector<std::string> away_peers(const doctor_facts& x) {
  std::vector<std::string> out;
  if (x.status)
    for (auto& peer : x.status->peers)
      if (peer.state == "away")
        out.push_back((peer.name.empty() ? peer.id.substr(0, 12) : peer.name)
                      + " belongs to the pod, but is away");
  return out;
}

void judge_silence(const doctor_facts& x, findings& out) {
  bool known = !x.heard.empty() || !x.dialled.empty();
  if (known || !connected_peers(x).empty() || !x.options.discovery.enabled)
    return;
  std::vector<std::string> evidence;
  for (auto& one : x.multicast) {
    if (!one.heard || !one.is_v4())
      continue;
    evidence.push_back("multicast works on " + one.interface
                       + " as far as this device, and nobody else was heard "
                         "for "
                       + seconds_text(x.listened));
    auto gateway = gateway_of(x, one.interface);
    if (!gateway.empty() && is_neighbour(x, gateway).value_or(false))
      evidence.push_back(
          "the gateway " + gateway + " of "
          + one.interface + " answers, so that the network is there");
  }
  // With multicast blocked there is nothing to conclude.
  if (evidence.empty())
    return;
  for (auto& line : away_peers(x))
    evidence.push_back(std::move(line));
  out.push_back({"alone", problem, "No other PeaPod was heard here.", evidence,
                 "Start one on another device of this network. If one runs: "
                 "both have to be in the same network, not the guest network, "
                 "with the same [discovery] group and port; client isolation "
                 "(AP isolation) of the access point has to be off. Or name it "
                 "in [discovery] static-peers."});
}

/// Somebody near by is connected, but its beacons do not come.
void judge_lost_multicast(const doctor_facts& x, findings& out) {
  for (auto* peer : connected_peers(x)) {
    auto address = address_of(*peer);
    auto interface = interface_of(x, address);
    bool expected = x.listened > x.options.discovery.interval
                    && x.options.discovery.enabled && !interface.empty();
    if (!expected || is_heard(x, address) || !multicast_works(x, interface)
        || std::ranges::any_of(
            x.heard, [&](auto& one) { return to_string(one.id) == peer->id; }))
      continue;
    out.push_back({"multicast-lost",
                   note,
                   peer->name
                       + " is connected, but what it announces does not "
                         "arrive.",
                   {"no beacon of " + address + " was heard on "
                    + interface + " for " + seconds_text(x.listened)},
                   "Nothing, as long as it is connected. The access point or "
                   "switch does not pass multicast on (IGMP snooping), or "
                   "discovery is off there: [discovery] static-peers finds "
                   "such a device again."});
  }
}

// -- what they speak ----------------------------------------------------------

void judge_versions(const doctor_facts& x, findings& out) {
  std::map<std::string, const heard_fact*> devices;
  for (auto& one : x.heard)
    devices.emplace(to_string(one.id), &one);
  auto& let = x.options.trust.legacy_devices;
  for (auto& [id, one] : devices) {
    auto name = name_of(x, one->id) + " at " + to_string(one->at);
    if (one->protocol > newest_protocol)
      out.push_back(
          {"newer-version",
           note,
           name + " is of a newer version than this device.",
           {"it speaks protocol " + std::to_string(one->protocol)
            + ", this device protocol " + std::to_string(newest_protocol)},
           "Update PeaPod on this device."});
    bool allowed = x.options.transport.legacy
                   && (x.options.trust.mode == trust_mode::open
                       || std::ranges::find(let, one->id) != let.end());
    if (one->protocol >= newest_protocol || allowed)
      continue;
    out.push_back(
        {"version-mismatch",
         problem,
         name + " speaks protocol " + std::to_string(one->protocol)
             + " only, which has no real confidentiality, and is "
               "not taken.",
         {x.options.transport.legacy ? "it is not in [trust] legacy-devices"
                                     : "[transport] legacy=false"},
         "Update it. Or, knowing that others can then read along: "
         "[transport] legacy=true, and its id "
             + id + " in [trust] legacy-devices."});
  }
}

} // namespace

void judge_neighbours(const doctor_facts& x, findings& out) {
  judge_silence(x, out);
  judge_dialled(x, out);
  judge_versions(x, out);
  judge_lost_multicast(x, out);
}

} // namespace peapod::rules
