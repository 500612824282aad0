#include "hosts/common/doctor.hpp"

#include "hosts/common/doctor_rules.hpp"
#include "hosts/net/discovery_choice.hpp"

#include <algorithm>

namespace peapod {

std::string_view to_string(finding_severity x) {
  switch (x) {
    case finding_severity::problem:
      return "problem";
    case finding_severity::warning:
      return "warning";
    default:
      return "note";
  }
}

std::vector<finding> examine(const doctor_facts& x) {
  std::vector<finding> out;
  rules::judge_daemon(x, out);
  rules::judge_clock(x, out);
  rules::judge_interfaces(x, out);
  rules::judge_multicast(x, out);
  rules::judge_neighbours(x, out);
  rules::judge_trust(x, out);
  rules::judge_lines(x, out);
  std::ranges::stable_sort(out, std::greater<>{}, &finding::severity);
  return out;
}

bool has_problem(const std::vector<finding>& findings) {
  return std::ranges::any_of(findings, [](auto& x) {
    return x.severity == finding_severity::problem;
  });
}

namespace rules {

std::vector<const control::peer*> connected_peers(const doctor_facts& x) {
  std::vector<const control::peer*> out;
  if (x.status)
    for (auto& peer : x.status->peers)
      if (peer.state == "connected" || peer.state == "set aside")
        out.push_back(&peer);
  return out;
}

std::string called(const control::peer& x) {
  return x.name.empty() ? x.id.substr(0, 12) : x.name;
}

std::string name_of(const doctor_facts& x, const std::string& id) {
  if (x.status)
    for (auto& peer : x.status->peers)
      if (peer.id == id)
        return called(peer);
  return id.substr(0, 12);
}

std::string address_of(const control::peer& x) {
  auto address = x.address.substr(0, x.address.rfind(':'));
  return address.starts_with('[') && address.ends_with(']')
             ? address.substr(1, address.size() - 2)
             : address;
}

bool multicast_works(const doctor_facts& x, const std::string& interface) {
  return std::ranges::any_of(x.multicast, [&](auto& one) {
    return one.interface == interface && one.heard;
  });
}

std::string interface_of(const doctor_facts& x, const std::string& address) {
  for (auto& one : x.interfaces)
    if (!one.loopback && net::link{one.index, x.interfaces}.has(address))
      return one.name;
  return {};
}

std::string gateway_of(const doctor_facts& x, const std::string& interface) {
  for (auto& one : x.system.ways_out)
    if (one.interface == interface && !one.gateway.empty())
      return one.gateway;
  return {};
}

std::optional<bool> is_neighbour(const doctor_facts& x,
                                 const std::string& address) {
  for (auto& one : x.system.neighbours)
    if (one.address == address)
      return one.answers;
  return std::nullopt;
}

} // namespace rules

} // namespace peapod
