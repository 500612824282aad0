#include "hosts/common/status_text.hpp"

#include "hosts/common/control_text.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/common/time_text.hpp"

namespace peapod {

namespace control {

namespace {

/// A table below an empty line, two columns to the right.
void append_indented(lines& out, const lines& table) {
  out.push_back({});
  for (auto& x : table) {
    out.push_back(line{"  "});
    for (auto& piece : x.spans)
      out.back().add(piece.text, piece.how);
  }
}

line title_line(const status& x) {
  line out{x.daemon.name.empty() ? "-" : x.daemon.name, tone::strong};
  out.add(" (" + (x.daemon.id.empty() ? "-" : x.daemon.id) + "), pod of "
          + std::to_string(x.pod_size));
  if (!x.daemon.version.empty())
    out.add(", peapod " + x.daemon.version + ", up "
                + age_text(x.daemon.uptime),
            tone::dim);
  return out;
}

/// Empty when the daemon does not say.
line confinement_line(const daemon& x) {
  if (!x.confined)
    return {};
  return *x.confined ? line{"process: confined by seccomp", tone::dim}
                     : line{"process: not confined by seccomp", tone::warn};
}

line proxy_line(const std::map<std::string, uint64_t>& proxy) {
  auto count = [&](const char* name) {
    auto found = proxy.find(name);
    return std::to_string(found == proxy.end() ? 0 : found->second);
  };
  return line{"proxy: " + count("requests") + " requests, " + count("pooled")
              + " pooled, " + count("passed_through") + " passed through, "
              + count("tunnels") + " tunnels, " + count("relayed_tunnels")
              + " of them through peers, " + count("active") + " active"};
}

/// Empty when nobody was turned away.
line turned_away_line(const std::map<std::string, uint64_t>& proxy) {
  auto found = proxy.find("turned_away");
  if (found == proxy.end() || found->second == 0)
    return {};
  return line{"proxy: " + std::to_string(found->second)
                  + " clients were turned away with a 503 since the start; "
                    "peapod doctor says what to do",
              tone::warn};
}

std::string quota_text(const quota& x, const char* when) {
  auto out = ", " + size_text(x.used);
  if (x.limit > 0)
    out += " of " + size_text(x.limit);
  return out + " " + when;
}

/// Whether anything is shared, and what is known of the line and the power;
/// empty when there is nothing to say.
line conditions_line(const sharing& x) {
  line out;
  auto add = [&](const std::string& text, tone how = tone::plain) {
    out.add(out.spans.empty() ? "share: " : ", ").add(text, how);
  };
  if (!x.why.empty())
    add(x.state + ", " + x.why, tone::warn);
  else if (x.metered.value_or(false))
    add("metered connection");
  else if (x.on_battery.value_or(false))
    add("on battery");
  if (x.battery)
    add("battery " + std::to_string(*x.battery) + " %");
  return out;
}

} // namespace

lines share_lines(const status& x) {
  line given{"share: " + size_text(x.served_bytes) + " fetched for others"};
  if (!x.sharing.state.empty())
    given.add(quota_text(x.sharing.today, "today")
              + quota_text(x.sharing.month, "this month"));
  if (x.held_to > 0)
    given.add(", held to " + rate_text(x.held_to)
              + " while this device uses its connection itself");
  lines out{given};
  if (auto more = conditions_line(x.sharing); !more.spans.empty())
    out.push_back(std::move(more));
  return out;
}

lines status_lines(const status& x) {
  lines out{title_line(x)};
  if (x.peers.empty() && !x.crowded)
    out.push_back(line{"no other device is in the pod yet"});
  else
    append_indented(out, peers_text({x.peers, x.crowded}));
  if (x.lines.size() > 1)
    append_indented(out, own_lines_text(x.lines));
  if (!x.transfers.empty())
    append_indented(out, transfers_text(x.transfers));
  if (!x.proxy.empty()) {
    out.push_back({});
    out.push_back(proxy_line(x.proxy));
    if (auto more = turned_away_line(x.proxy); !more.spans.empty())
      out.push_back(std::move(more));
  }
  for (auto& y : share_lines(x))
    out.push_back(y);
  if (auto more = confinement_line(x.daemon); !more.spans.empty())
    out.push_back(std::move(more));
  return out;
}

} // namespace control

result<std::string> status_text(std::string_view json,
                                const print_style& style) {
  auto status = control::read_status(json);
  if (!status)
    return status.error();
  return to_text(control::status_lines(*status), style);
}

} // namespace peapod
