#include "hosts/common/doctor_rules.hpp"

#include <algorithm>

/// Whether HTTPS, and what is pooled, may use the lines of others at all.
namespace peapod::rules {

namespace {

using enum finding_severity;

bool names_everything(const std::vector<host_pattern>& hosts) {
  return std::ranges::any_of(hosts, &host_pattern::everything);
}

/// How many tunnels there were, if a daemon says so.
std::vector<std::string> with_tunnels(const doctor_facts& x,
                                      std::string evidence) {
  std::vector<std::string> out{std::move(evidence)};
  if (!x.status)
    return out;
  auto count = [&](const char* name) {
    auto i = x.status->proxy.find(name);
    return i == x.status->proxy.end() ? uint64_t{0} : i->second;
  };
  if (auto all = count("tunnels"); all > 0)
    out.push_back(std::to_string(count("relayed_tunnels")) + " of "
                  + std::to_string(all)
                  + " tunnels since the start left through a peer");
  return out;
}

/// Whether the peer brings nothing at all now, which has a finding of its own.
bool brings_nothing(const control::peer& x) {
  return x.pauses || x.state == "set aside";
}

/// Why nothing leaves through a peer; empty: something may.
std::string obstacle_at(const control::peer& x) {
  if (brings_nothing(x))
    return "it brings nothing at the moment";
  if (x.protocol == "1")
    return "it speaks protocol 1, which has no tunnels";
  // Older daemons do not say.
  return x.tunnels.value_or(true)
             ? ""
             : "it opens none ([share] tunnels=0 there, or an older version)";
}

void judge_exits(const doctor_facts& x, findings& out) {
  std::vector<std::string> evidence;
  auto peers = connected_peers(x);
  for (auto* peer : peers) {
    auto why = obstacle_at(*peer);
    if (why.empty())
      return;
    evidence.push_back(called(*peer) + ": " + why);
  }
  if (!std::ranges::all_of(peers, [](auto* y) { return brings_nothing(*y); }))
    out.push_back({"no-exits", warning,
                   "No device of the pod opens tunnels for this one, so that "
                   "HTTPS uses the own line alone.",
                   std::move(evidence),
                   "Update those devices, and see that [share] enabled is true "
                   "and tunnels above 0 there."});
}

} // namespace

void judge_https(const doctor_facts& x, findings& out) {
  if (names_everything(x.options.pool.never_hosts))
    out.push_back({"never-pooled",
                   problem,
                   "Downloads of this device are not shared out, from no host.",
                   {"[pool] never-hosts has \"*\""},
                   "Name the hosts that are meant in [pool] never-hosts."});
  if (x.options.tunnels.mode == tunnel_mode::off) {
    out.push_back({"tunnels-off", warning,
                   "HTTPS of this device does not use the lines of others.",
                   with_tunnels(x, "[tunnels] mode=\"off\""),
                   "Set [tunnels] mode=\"sticky\"."});
    return;
  }
  if (names_everything(x.options.tunnels.home_hosts)) {
    out.push_back({"all-at-home", warning,
                   "HTTPS of this device does not use the lines of others, to "
                   "no host.",
                   with_tunnels(x, "[tunnels] home-hosts has \"*\""),
                   "Name the hosts that are meant in [tunnels] home-hosts."});
    return;
  }
  judge_exits(x, out);
}

} // namespace peapod::rules
