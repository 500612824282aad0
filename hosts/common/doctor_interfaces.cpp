#include "hosts/common/doctor_rules.hpp"

#include "hosts/net/discovery_choice.hpp"

#include <algorithm>
#include <set>

namespace peapod::rules {

namespace {

using enum finding_severity;

bool is_tunnel(const doctor_facts& x, const std::string& name) {
  return std::ranges::find(x.system.tunnels, name) != x.system.tunnels.end();
}

bool is_ours(const doctor_facts& x, const std::string& name_or_address) {
  return std::ranges::any_of(x.interfaces, [&](auto& one) {
    return one.up
           && (one.name == name_or_address || one.address == name_or_address
               || net::address_with_zone(one) == name_or_address);
  });
}

/// Whether discovery takes part on the interface.
bool is_used(const doctor_facts& x, const std::string& name) {
  return std::ranges::any_of(x.multicast,
                             [&](auto& one) { return one.interface == name; });
}

std::string why_unused(const doctor_facts& x,
                       const net::network_interface& one) {
  auto& exclude = x.options.discovery.exclude;
  if (!one.up)
    return "is down or has no cable";
  if (one.loopback)
    return "is this device's own";
  if (!one.multicast)
    return "cannot multicast";
  if (!x.options.discovery.interfaces.empty())
    return "is not listed in [discovery] interfaces";
  if (std::ranges::any_of(exclude, [&](auto& pattern) {
        return net::matches_pattern(pattern, one.name);
      }))
    return "is excluded by [discovery] exclude";
  return "has no address that discovery uses";
}

std::vector<std::string> unused_interfaces(const doctor_facts& x) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (auto& one : x.interfaces)
    if (!is_used(x, one.name) && seen.insert(one.name).second)
      out.push_back(one.name + " " + why_unused(x, one));
  return out;
}

void judge_listed(const doctor_facts& x, findings& out) {
  std::vector<std::string> missing;
  for (auto& name : x.options.discovery.interfaces)
    if (!is_ours(x, name))
      missing.push_back(name);
  for (auto& name : missing)
    out.push_back({"interface-missing", is_used(x, name) ? note : problem,
                   "[discovery] interfaces names " + name
                       + ", which this device does not have, or which is "
                         "down.",
                   unused_interfaces(x),
                   "Connect it, correct its name, or leave [discovery] "
                   "interfaces empty, which means all that are suitable."});
}

void judge_choice(const doctor_facts& x, findings& out) {
  auto& options = x.options.discovery;
  if (!options.enabled) {
    bool others = !options.static_peers.empty();
    out.push_back({"discovery-off",
                   others ? note : problem,
                   "Discovery is switched off, so that no device is found by "
                   "itself.",
                   {"[discovery] enabled=false"},
                   others ? "Nothing, as long as [discovery] static-peers "
                            "names all devices."
                          : "Set [discovery] enabled=true, or name the other "
                            "devices in [discovery] static-peers."});
    return;
  }
  judge_listed(x, out);
  if (x.multicast.empty()) {
    out.push_back({"no-interface", problem,
                   "There is no network on which other devices could be "
                   "found.",
                   unused_interfaces(x),
                   "Connect this device to the network of the others, or name "
                   "its interface in [discovery] interfaces."});
    return;
  }
  if (x.way_out.empty() || is_used(x, x.way_out) || is_tunnel(x, x.way_out)
      || !options.interfaces.empty())
    return;
  auto found =
      std::ranges::find(x.interfaces, x.way_out, &net::network_interface::name);
  if (found != x.interfaces.end())
    out.push_back({"wrong-interface",
                   warning,
                   "Discovery leaves out " + x.way_out
                       + ", by which this device reaches its network.",
                   {x.way_out + " " + why_unused(x, *found)},
                   "If the other devices are there, name it: [discovery] "
                   "interfaces=[\""
                       + x.way_out + "\"]."});
}

void judge_listening(const doctor_facts& x, findings& out) {
  auto& at = x.options.transport.listen.address;
  if (at == "::" || at == "0.0.0.0" || is_ours(x, at)) {
    auto ip = parse_ip(at);
    static const auto loopback = *parse_network("127.0.0.0/8");
    if (ip && (at == "::1" || loopback.contains(*ip)))
      out.push_back(
          {"listen-loopback",
           problem,
           "No other device can connect to this one.",
           {"[transport] listen is " + to_string(x.options.transport.listen)
            + ", which only this device reaches"},
           "Set [transport] listen=\"[::]:45679\"."});
    return;
  }
  out.push_back({"listen-elsewhere",
                 problem,
                 "[transport] listen is an address that this device does not "
                 "have.",
                 {to_string(x.options.transport.listen)},
                 "Set [transport] listen=\"[::]:45679\", which means all "
                 "addresses."});
}

/// As in `this device has lan0, wan0`; loopback and what is down left out.
std::string what_there_is(const doctor_facts& x) {
  std::set<std::string> names;
  for (auto& one : x.interfaces)
    if (one.up && !one.loopback)
      names.insert(one.name);
  std::string out;
  for (auto& name : names)
    out += (out.empty() ? "this device has " : ", ") + name;
  return out.empty() ? "no interface of this device is up" : out;
}

/// Without any of its lines nothing leaves the device.
void judge_bind(const doctor_facts& x, findings& out) {
  auto& bind = x.options.wan.bind;
  bool none =
      std::ranges::none_of(bind, [&](auto& name) { return is_ours(x, name); });
  for (auto& name : bind)
    if (!is_ours(x, name))
      out.push_back(
          {"wan-missing",
           none ? problem : warning,
           "[wan] bind names " + name
               + ", which this device does not have, or which is "
                 "down"
               + (none ? ", so that nothing reaches the internet." : "."),
           {what_there_is(x)},
           "Connect it, or correct [wan] bind."});
}

/// What each connection goes out by, unless the user has chosen.
void judge_way_out(const doctor_facts& x, findings& out) {
  judge_bind(x, out);
  if (!x.options.wan.bind.empty() || x.options.wan.upstream.proxy)
    return;
  if (x.way_out.empty())
    out.push_back({"no-internet",
                   problem,
                   "No route leads from this device to the internet.",
                   {},
                   "Connect it; ip route shows where packets go."});
  else if (is_tunnel(x, x.way_out))
    out.push_back({"vpn",
                   warning,
                   "A VPN is in the way: everything to the internet goes "
                   "through "
                       + x.way_out + ".",
                   {"the route to the internet leads to " + x.way_out
                    + ", which is a tunnel"},
                   "End the VPN, or set [wan] bind to the interface of the "
                   "line itself. Devices behind one VPN share its server's "
                   "line, and many VPNs block the local network."});
}

} // namespace

void judge_interfaces(const doctor_facts& x, findings& out) {
  judge_choice(x, out);
  judge_listening(x, out);
  judge_way_out(x, out);
}

} // namespace peapod::rules
