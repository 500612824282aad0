#include "hosts/common/metrics_text.hpp"

#include "hosts/common/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace peapod {

// -- the format ---------------------------------------------------------------

namespace {

/// Backslashes, line feeds and, in labels, quotes are escaped.
std::string escaped(std::string_view text, bool is_label) {
  std::string out;
  for (auto c : clean_utf8(text)) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\\' || (is_label && c == '"'))
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

template <class T>
std::string number_text(T x) {
  std::array<char, 64> out{};
  auto end = std::to_chars(out.data(), out.data() + out.size(), x);
  return {out.data(), end.ptr};
}

} // namespace

void metrics_writer::family(std::string_view name, std::string_view type,
                            std::string_view help) {
  name_ = "peapod_" + std::string{name};
  out_ += "# HELP " + name_ + " " + escaped(help, false) + "\n";
  out_ += "# TYPE " + name_ + " " + std::string{type} + "\n";
}

void metrics_writer::sample(double value, const labels& of) {
  line(number_text(json_number(value)), of);
}

void metrics_writer::sample(uint64_t value, const labels& of) {
  line(number_text(value), of);
}

void metrics_writer::line(std::string_view value, const labels& of) {
  out_ += name_;
  for (size_t i = 0; i < of.size(); ++i)
    out_ += (i == 0 ? "{" : ",") + std::string{of[i].first} + "=\""
            + escaped(of[i].second, true) + "\"";
  out_ += of.empty() ? " " : "} ";
  out_ += value;
  out_ += '\n';
}

// -- the families -------------------------------------------------------------

namespace {

void write_process(metrics_writer& out, const metrics_source& x) {
  out.family("build_info", "gauge", "The version that runs; always 1.");
  out.sample(uint64_t{1}, {{"version", x.daemon.version}});
  out.family("uptime_seconds", "gauge", "Time since the daemon has started.");
  out.sample(json_seconds(x.daemon.uptime));
}

void write_bytes(metrics_writer& out, const proxy_counters& x) {
  out.family("bytes_total", "counter",
             "Payload bytes: in, of pooled bodies by who brought them; out, "
             "of pooled bodies to clients, and of ranges to peers.");
  out.sample(x.spine_bytes.load(), {{"source", "spine"}, {"direction", "in"}});
  out.sample(x.own_bytes.load(), {{"source", "own"}, {"direction", "in"}});
  out.sample(x.peer_bytes.load(), {{"source", "peer"}, {"direction", "in"}});
  out.sample(x.served_bytes.load(), {{"source", "peer"}, {"direction", "out"}});
  out.sample(x.delivered_bytes.load(),
             {{"source", "client"}, {"direction", "out"}});
  out.family("wasted_bytes_total", "counter",
             "Payload bytes that came and were not needed.");
  out.sample(x.wasted_bytes.load());
}

void write_quota(metrics_writer& out, const sharing_state& x) {
  out.family("share_paused", "gauge",
             "Whether nothing is fetched for peers now: 1, else 0.");
  out.sample(uint64_t{x.paused ? 1u : 0u});
  out.family("share_used_bytes", "gauge",
             "Payload bytes fetched for peers today and this month.");
  out.sample(x.used.day_bytes, {{"period", "day"}});
  out.sample(x.used.month_bytes, {{"period", "month"}});
  out.family("share_limit_bytes", "gauge",
             "The most of them that is given away; 0: no bound.");
  out.sample(x.limits.per_day, {{"period", "day"}});
  out.sample(x.limits.per_month, {{"period", "month"}});
}

void write_share(metrics_writer& out, const proxy_counters& x) {
  out.family("share_held_to_bytes_per_second", "gauge",
             "What peers may get while own use of the line goes first; 0: no "
             "limit.");
  out.sample(x.held_to.load());
}

void write_proxy(metrics_writer& out, const proxy_counters& x) {
  out.family("requests_received_total", "counter",
             "Requests of clients, tunnels included.");
  out.sample(x.requests.load());
  out.family("requests_total", "counter",
             "Requests of clients by what became of them.");
  out.sample(x.tunnels.load(), {{"kind", "tunnel"}});
  out.sample(x.pooled.load(), {{"kind", "pooled"}});
  out.sample(x.passed_through.load(), {{"kind", "passed_through"}});
  out.family("client_connections", "gauge",
             "Connections of clients that are open.");
  out.sample(x.active.load());
  out.family("clients_turned_away_total", "counter",
             "Clients that got a 503, or were closed, because a limit was "
             "reached.");
  out.sample(x.turned_away.load());
  out.family("clients_made_room_total", "counter",
             "Kept-alive connections without a request that were closed for "
             "other clients.");
  out.sample(x.made_room.load());
  out.family("tunnels_open", "gauge", "Tunnels that are open.");
  out.sample(x.open_tunnels.load());
  out.family("relayed_tunnels_total", "counter",
             "Tunnels of clients that left through a peer.");
  out.sample(x.relayed.load());
  out.family("relayed_bytes_total", "counter",
             "Bytes of those, in both directions.");
  out.sample(x.relayed_bytes.load());
  out.family("bounced_tunnels_total", "counter",
             "Tunnels that a peer was asked for and that went on over another "
             "line.");
  out.sample(x.bounced.load());
  out.family("exit_tunnels_open", "gauge", "Tunnels for peers that are open.");
  out.sample(x.exit_tunnels.load());
  out.family("client_connections_busy", "gauge",
             "Connections of clients with a request being answered.");
  out.sample(x.busy.load());
}

void write_chunks(metrics_writer& out, const proxy_counters& x) {
  out.family("chunks_total", "counter",
             "Ranges that were asked for, by how that ended.");
  for (size_t i = 0; i < x.chunks.size(); ++i) {
    auto outcome =
        i == 0 ? "arrived" : to_string(static_cast<chunk_failure>(i - 1));
    out.sample(x.chunks[i].load(), {{"outcome", std::string{outcome}}});
  }
  out.family("samples_total", "counter",
             "Samples of what peers brought, by how they compared with what "
             "the origin has.");
  out.sample(x.samples.load(), {{"outcome", "right"}});
  out.sample(x.lies.load(), {{"outcome", "wrong"}});
  out.sample(x.unchecked.load(), {{"outcome", "not_compared"}});
  out.family("digests_total", "counter",
             "Pooled bodies whose hash the origin announced, by whether they "
             "had it.");
  out.sample(x.digests_right.load(), {{"outcome", "right"}});
  out.sample(x.digests_wrong.load(), {{"outcome", "wrong"}});
  out.family("transfers_replaced_total", "counter",
             "Downloads that went on after a crash.");
  out.sample(x.replaced.load());
}

/// What is told of the actors of one name.
struct crowd {
  uint64_t count = 0;
  uint64_t hanging = 0;
  uint64_t waiting = 0;
  uint64_t most_waiting = 0;
};

std::map<std::string, crowd> crowds_of(const std::vector<actor_row>& rows) {
  std::map<std::string, crowd> out;
  for (auto& row : rows) {
    auto& x = out[row.name];
    ++x.count;
    x.hanging += row.state == activity::hanging;
    x.waiting += row.mailbox;
    x.most_waiting = std::max(x.most_waiting, row.mailbox);
  }
  return out;
}

void write_actors(metrics_writer& out, const std::vector<actor_row>& rows) {
  auto crowds = crowds_of(rows);
  auto write = [&](std::string_view name, std::string_view type,
                   std::string_view label, uint64_t crowd::*member,
                   std::string_view help) {
    out.family(name, type, help);
    for (auto& [actor, numbers] : crowds)
      out.sample(numbers.*member, {{label, actor}});
  };
  write("actors", "gauge", "name", &crowd::count, "Live actors.");
  write("actors_hanging", "gauge", "name", &crowd::hanging,
        "Live actors that are in one handler for too long.");
  write("actor_mailbox_messages", "gauge", "name", &crowd::waiting,
        "Messages that wait, of all actors of a name.");
  write("actor_mailbox_messages_max", "gauge", "name", &crowd::most_waiting,
        "Messages that wait, of the actor of a name that has most.");
}

void write_failures(metrics_writer& out, const metrics_source& x) {
  out.family("crashes_total", "counter", "Actors that ended by a failure.");
  out.sample(x.crashes);
  out.family("actor_restarts_total", "counter",
             "Restarts of actors of a name by their supervisors.");
  for (auto& [name, count] : x.restarts)
    out.sample(count, {{"actor", name}});
  out.family("events_dropped_total", "counter",
             "Events and messages that slow clients of the console missed.");
  out.sample(x.dropped_events);
}

void write_memory(metrics_writer& out, const metrics_source& x) {
  out.family("serving_bytes", "gauge",
             "Payload bytes that are held of ranges fetched for peers.");
  out.sample(x.serving_bytes);
  out.family("serving_limit_bytes", "gauge",
             "The most that may be held of ranges fetched for peers.");
  out.sample(x.serving_limit);
}

void write_peers(metrics_writer& out, const pod_status& x) {
  std::map<std::string, uint64_t> states{{"known", 0},
                                         {"dialling", 0},
                                         {"connected", 0},
                                         {"backing off", 0},
                                         {"set aside", 0}};
  for (auto& peer : x.peers)
    ++states[peer.state];
  out.family("peers", "gauge", "Devices that are known, by state.");
  for (auto& [state, count] : states)
    out.sample(count, {{"state", state}});
  out.family("peer_bytes_total", "counter",
             "Payload bytes that a connected peer brought (in) or got (out) "
             "in this session.");
  auto labels = source_labels(x);
  for (auto& peer : x.peers) {
    if (peer.state != "connected" && peer.state != "set aside")
      continue;
    out.sample(peer.bytes_from,
               {{"peer", labels[peer.id]}, {"direction", "in"}});
    out.sample(peer.bytes_to,
               {{"peer", labels[peer.id]}, {"direction", "out"}});
  }
}

/// Lines keep their names while the daemon runs, `default` is the one that the
/// system chooses.
void write_lines(metrics_writer& out, const pod_status& x) {
  auto name = [](const line_status& line) {
    return line.name.empty() ? std::string{"default"} : line.name;
  };
  out.family("line_bytes_total", "counter",
             "Payload bytes of ranges over an own line, for this device (own) "
             "or for peers; spines are not among them.");
  for (auto& line : x.lines) {
    out.sample(line.own_bytes, {{"line", name(line)}, {"for", "own"}});
    out.sample(line.peer_bytes, {{"line", name(line)}, {"for", "peers"}});
  }
  out.family("line_up", "gauge", "Whether an own line is there: 1, else 0.");
  for (auto& line : x.lines)
    out.sample(uint64_t{line.up ? 1u : 0u}, {{"line", name(line)}});
  out.family("line_label", "gauge",
             "Whether an own line adds capacity, as status labels it; always "
             "1.");
  for (auto& line : x.lines)
    out.sample(uint64_t{1},
               {{"line", name(line)},
                {"label", std::string{to_string(line.line.kind)}}});
}

void write_transfers(metrics_writer& out, const pod_status& x) {
  auto running = std::ranges::count_if(
      x.transfers, [](auto& transfer) { return transfer.state == "running"; });
  out.family("transfers", "gauge", "Pooled downloads, by state.");
  out.sample(static_cast<uint64_t>(running), {{"state", "running"}});
}

} // namespace

std::string metrics_text(const metrics_source& x,
                         const proxy_counters& counters) {
  metrics_writer out;
  write_process(out, x);
  write_bytes(out, counters);
  write_share(out, counters);
  write_quota(out, x.sharing);
  write_proxy(out, counters);
  write_chunks(out, counters);
  write_failures(out, x);
  write_memory(out, x);
  if (x.status) {
    write_peers(out, *x.status);
    write_lines(out, *x.status);
    write_transfers(out, *x.status);
  }
  return out.take();
}

std::string metrics_text(const std::vector<actor_row>& actors) {
  metrics_writer out;
  write_actors(out, actors);
  return out.take();
}

} // namespace peapod
