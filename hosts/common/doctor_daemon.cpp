#include "hosts/common/doctor_rules.hpp"

#include <algorithm>

namespace peapod::rules {

namespace {

using enum finding_severity;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void judge_configuration(const doctor_facts& x, findings& out) {
  if (x.config_mistakes.empty())
    return;
  out.push_back({"configuration", problem,
                 "The configuration is wrong, so that the daemon does not "
                 "start with it; the defaults were examined instead.",
                 lines_of(x.config_mistakes),
                 "Correct these lines; peapod check-config "
                     + (x.config_file.empty() ? "FILE" : x.config_file)
                     + " says when all is well."});
}

bool own_beacon_heard(const doctor_facts& x) {
  for (auto& one : x.heard)
    for (auto& own : x.interfaces)
      if (own.address == one.at.address)
        return true;
  return false;
}

finding no_daemon(const doctor_facts& x, const error& why) {
  finding out{"no-daemon",
              problem,
              "No daemon runs here, so this device is in no pod.",
              {why.detail},
              "Start it: peapod --actor-config pod.ini, or systemctl start "
              "peapod."};
  if (own_beacon_heard(x)) {
    out.text = "A daemon runs on this device, but not behind this control "
               "socket.";
    out.evidence.emplace_back("a beacon of this device's own address was "
                              "heard");
    out.fix = "Name its configuration with --actor-config FILE, or its socket "
              "with --socket PATH.";
  }
  return out;
}

void judge_answer(const doctor_facts& x, findings& out) {
  if (!x.no_daemon)
    return;
  auto& why = *x.no_daemon;
  if (why.code == errc::connection_refused || why.code == errc::not_found)
    out.push_back(no_daemon(x, why));
  else if (why.code == errc::permission_denied)
    out.push_back({"daemon-refuses",
                   problem,
                   "The daemon does not let this user ask it.",
                   {why.detail},
                   "Run this as the daemon's user or with sudo, or set "
                   "[console] group to a group that you are in."});
  else
    out.push_back({"daemon-silent",
                   problem,
                   "The daemon does not answer as it should.",
                   {why.detail},
                   "Look at its log, and start it anew: systemctl restart "
                   "peapod."});
}

void judge_version(const doctor_facts& x, findings& out) {
  if (!x.status || x.status->daemon.version.empty()
      || x.status->daemon.version == x.version)
    return;
  out.push_back({"daemon-outdated",
                 warning,
                 "The daemon that runs is of another version than this "
                 "program.",
                 {"the daemon is peapod " + x.status->daemon.version
                  + ", this program peapod " + x.version},
                 "Start the daemon anew: systemctl restart peapod."});
}

uint64_t count_of(const control::status& x, const char* name) {
  auto found = x.proxy.find(name);
  return found == x.proxy.end() ? 0 : found->second;
}

/// The limit of clients that is reached now, and how to raise it.
void name_limit(const doctor_facts& x, finding& out) {
  auto full = [&](const char* count, const char* key, size_t limit) {
    if (count_of(*x.status, count) < limit)
      return false;
    out.evidence.push_back("[proxy] " + std::string{key} + "="
                           + std::to_string(limit) + " is reached now");
    out.fix = "Raise [proxy] " + std::string{key}
              + " and start the daemon "
                "anew, or find out who opens so many.";
    return true;
  };
  auto& proxy = x.options.proxy;
  if (full("open_tunnels", "max-tunnels", proxy.max_tunnels)
      || full("active", "max-clients", proxy.max_clients))
    return;
  out.fix = "Below [proxy] max-clients=" + std::to_string(proxy.max_clients)
            + " and max-tunnels=" + std::to_string(proxy.max_tunnels)
            + ", as now, descriptors have run out: raise ulimit -n, or "
              "LimitNOFILE in peapod.service. If those limits were reached "
              "before, raise them; the log says which it was.";
}

void judge_limits(const doctor_facts& x, findings& out) {
  auto count = x.status ? count_of(*x.status, "turned_away") : 0;
  if (count == 0)
    return;
  finding made{"turned-away",
               warning,
               "Clients of the proxy got a 503 instead of what they asked for, "
               "because a limit was reached.",
               {std::to_string(count) + " since the daemon started"},
               ""};
  name_limit(x, made);
  out.push_back(std::move(made));
}

void judge_ports(const doctor_facts& x, findings& out) {
  for (auto& one : x.taken) {
    auto place = std::string{one.udp ? "UDP " : "TCP "} + to_string(one.at);
    if (one.why.code == errc::address_in_use) {
      finding made{"port-taken",
                   problem,
                   place + ", which the daemon needs (" + one.purpose
                       + "), is taken by another program.",
                   {one.why.detail},
                   "Stop that program, or set " + one.purpose
                       + " to a port that is free"
                       + (one.udp ? ", on every device of the pod." : ".")};
      if (!one.holder.empty())
        made.evidence.push_back("held by " + one.holder);
      out.push_back(std::move(made));
    } else {
      out.push_back({"port-refused",
                     problem,
                     "The daemon could not listen at " + place + ", as "
                         + one.purpose + " says.",
                     {one.why.detail},
                     "Set " + one.purpose
                         + " to an address of this device and a port from "
                           "1024 on."});
    }
  }
}

} // namespace

void judge_daemon(const doctor_facts& x, findings& out) {
  judge_configuration(x, out);
  judge_answer(x, out);
  judge_ports(x, out);
  judge_version(x, out);
  judge_limits(x, out);
}

} // namespace peapod::rules
