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

line proxy_line(const std::map<std::string, uint64_t>& proxy) {
  auto count = [&](const char* name) {
    auto found = proxy.find(name);
    return std::to_string(found == proxy.end() ? 0 : found->second);
  };
  return line{"proxy: " + count("requests") + " requests, " + count("pooled")
              + " pooled, " + count("passed_through") + " passed through, "
              + count("tunnels") + " tunnels, " + count("active") + " active"};
}

line share_line(const status& x) {
  line out{"share: " + size_text(x.served_bytes) + " fetched for others"};
  if (x.held_to > 0)
    out.add(", held to " + rate_text(x.held_to)
            + " while this device uses its connection itself");
  return out;
}

} // namespace

lines status_lines(const status& x) {
  lines out{title_line(x)};
  if (x.peers.empty())
    out.push_back(line{"no other device is in the pod yet"});
  else
    append_indented(out, peers_text(x.peers));
  if (!x.transfers.empty())
    append_indented(out, transfers_text(x.transfers));
  if (!x.proxy.empty()) {
    out.push_back({});
    out.push_back(proxy_line(x.proxy));
  }
  out.push_back(share_line(x));
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
