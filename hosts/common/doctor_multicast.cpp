#include "hosts/common/doctor_rules.hpp"

#include <algorithm>

namespace peapod::rules {

namespace {

using enum finding_severity;

/// What the packet filter does with what neighbours on an interface send.
filter_verdict verdict_of(const doctor_facts& x, const std::string& interface,
                          bool udp) {
  if (!x.system.rules)
    return {};
  incoming_packet packet;
  packet.udp = udp;
  packet.interface = interface;
  packet.port =
      udp ? x.options.discovery.port : x.options.transport.listen.port;
  for (auto& one : x.interfaces)
    if (one.name == interface && one.address.find(':') == std::string::npos) {
      packet.to = udp ? x.options.discovery.group : one.address;
      // Somebody next to us.
      packet.from = one.address;
    }
  return x.system.rules->judge(packet);
}

std::string how_to_open(const doctor_facts& x) {
  auto udp = std::to_string(x.options.discovery.port) + "/udp";
  auto tcp = std::to_string(x.options.transport.listen.port) + "/tcp";
  if (x.system.rules && x.system.rules->mentions("ufw"))
    return "sudo ufw allow " + udp + " && sudo ufw allow " + tcp + ".";
  if (x.system.rules && x.system.rules->mentions("firewalld"))
    return "sudo firewall-cmd --permanent --add-port=" + udp
           + " --add-port=" + tcp + " && sudo firewall-cmd --reload.";
  return "Let " + udp + " and " + tcp
         + " in from the local network in this device's firewall.";
}

finding blocked(const doctor_facts& x, const multicast_fact& one) {
  finding out{"multicast-blocked",
              problem,
              "Multicast is blocked on "
                  + one.interface + ": no device can be found there by itself.",
              {},
              how_to_open(x)};
  if (multicast_works(x, one.interface)) {
    out.severity = warning;
    out.text =
        std::string{one.is_v4() ? "IPv4" : "IPv6"} + " multicast is blocked on "
        + one.interface + "; devices find each other by the other one alone.";
  }
  if (!one.failure.empty()) {
    out.evidence.push_back(one.failure);
    return out;
  }
  out.evidence.push_back("a datagram from " + one.address
                         + " to the discovery group was not heard back");
  auto verdict = verdict_of(x, one.interface, true);
  if (verdict.what != filter_verdict::passes)
    out.evidence.push_back(verdict.rule);
  else if (!x.system.no_rules.empty())
    out.evidence.push_back(x.system.no_rules);
  return out;
}

void judge_ports(const doctor_facts& x, const std::string& interface,
                 findings& out) {
  for (auto udp : {true, false}) {
    auto verdict = verdict_of(x, interface, udp);
    // What is certain of multicast was seen.
    if (verdict.what == filter_verdict::passes
        || (udp && !multicast_works(x, interface)))
      continue;
    bool sure = verdict.what == filter_verdict::dropped && !udp;
    auto what = udp ? "what other devices announce (UDP port "
                          + std::to_string(x.options.discovery.port) + ")"
                    : "connections of other devices (TCP port "
                          + std::to_string(x.options.transport.listen.port)
                          + ")";
    out.push_back({"firewall",
                   sure ? problem : warning,
                   "The firewall of this device "
                       + std::string{sure ? "drops " : "may drop "} + what
                       + " on " + interface + ".",
                   {verdict.rule},
                   how_to_open(x)});
  }
}

} // namespace

void judge_multicast(const doctor_facts& x, findings& out) {
  std::vector<std::string> seen;
  for (auto& one : x.multicast) {
    if (!one.heard)
      out.push_back(blocked(x, one));
    if (std::ranges::find(seen, one.interface) != seen.end())
      continue;
    seen.push_back(one.interface);
    judge_ports(x, one.interface, out);
  }
}

} // namespace peapod::rules
