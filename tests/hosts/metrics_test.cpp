#include "hosts/common/metrics_text.hpp"

#include <map>
#include <regex>
#include <set>
#include <sstream>

#define CAF_SUITE control_metrics
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

actor_row row(std::string name, uint64_t mailbox, unsigned restarts) {
  actor_row out;
  out.name = std::move(name);
  out.mailbox = mailbox;
  out.restarts = restarts;
  return out;
}

peer_status peer(uint8_t id, std::string name, std::string state) {
  peer_status out;
  out.id.bytes[0] = id;
  out.name = std::move(name);
  out.state = std::move(state);
  return out;
}

/// A source with something of everything.
metrics_source full_source() {
  metrics_source x;
  x.daemon.version = "1.2.3";
  x.daemon.uptime = 90500ms;
  x.crashes = 4;
  x.restarts = {{"transfer", 3}};
  x.dropped_events = 9;
  x.serving_bytes = 100;
  x.serving_limit = 1000;
  x.sharing.paused = sharing_obstacle::day_quota;
  x.sharing.used.day_bytes = 40;
  x.sharing.limits.per_month = 900;
  x.status.emplace();
  x.status->peers = {peer(1, "a \"b\"\\\n\xff", "connected"),
                     peer(2, "c", "backing off")};
  x.status->peers[0].bytes_from = 77;
  x.status->lines.resize(2);
  x.status->lines[0].own_bytes = 21;
  x.status->lines[1].name = "wan1";
  x.status->lines[1].up = false;
  x.status->lines[1].peer_bytes = 22;
  x.status->lines[1].line.kind = egress_kind::paused;
  x.status->transfers.resize(3);
  x.status->transfers[1].state = "running";
  return x;
}

std::vector<actor_row> some_actors() {
  std::vector<actor_row> out{row("transfer", 2, 1), row("transfer", 5, 2),
                             row("roster", 0, 0)};
  out[0].state = activity::hanging;
  return out;
}

std::string text_of(const metrics_source& x) {
  proxy_counters counters;
  counters.own_bytes = 5;
  counters.chunks[2] = 8;
  counters.tunnels = 3;
  counters.lies = 6;
  counters.digests_right = 2;
  counters.held_to = 4096;
  return metrics_text(x, counters) + metrics_text(some_actors());
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

/// What is wrong with a text in Prometheus' format 0.0.4, if anything: each
/// family has its two lines and then its samples, once.
std::string mistake(const std::string& text) {
  static const std::regex help{"# HELP ([a-z_]+) \\S.*"};
  static const std::regex type{"# TYPE ([a-z_]+) (counter|gauge)"};
  static const std::regex sample{
      "([a-z_]+)(\\{[a-z_]+=\"([^\"\\\\]|\\\\[\"\\\\n])*\""
      "(,[a-z_]+=\"([^\"\\\\]|\\\\[\"\\\\n])*\")*\\})? [0-9.e+-]+"};
  std::istringstream in{text};
  std::set<std::string> series;
  std::set<std::string> families;
  std::string family;
  std::string kind;
  std::smatch found;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_match(line, found, help)) {
      family = found[1];
      kind.clear();
      if (!families.insert(family).second)
        return "a family twice: " + line;
    } else if (std::regex_match(line, found, type)) {
      kind = found[2];
      if (found[1] != family
          || (kind == "counter") != family.ends_with("_total"))
        return "a type that does not fit: " + line;
    } else if (!std::regex_match(line, found, sample)) {
      return "not a line of this format: " + line;
    } else if (found[1] != family || kind.empty()) {
      return "a sample without its family: " + line;
    } else if (!series.insert(line.substr(0, line.rfind(' '))).second) {
      return "a sample twice: " + line;
    }
  }
  return text.ends_with('\n') ? "" : "no line feed at the end";
}

} // namespace

CAF_TEST(the metrics are in the format) {
  CAF_CHECK_EQUAL(mistake(text_of(full_source())), "");
}

CAF_TEST(a pod that does not answer still has metrics) {
  metrics_source x;
  auto text = text_of(x);
  CAF_CHECK_EQUAL(mistake(text), "");
  CAF_CHECK(has_line(text, "peapod_crashes_total 0"));
  CAF_CHECK(text.find("peapod_peers") == std::string::npos);
}

CAF_TEST(counters have their labels) {
  auto text = text_of(full_source());
  CAF_CHECK(has_line(text, "peapod_build_info{version=\"1.2.3\"} 1"));
  CAF_CHECK(has_line(text, "peapod_uptime_seconds 90.5"));
  CAF_CHECK(
      has_line(text, "peapod_bytes_total{source=\"own\",direction=\"in\"} 5"));
  CAF_CHECK(has_line(text, "peapod_chunks_total{outcome=\"refused\"} 8"));
  CAF_CHECK(has_line(text, "peapod_chunks_total{outcome=\"arrived\"} 0"));
  CAF_CHECK(has_line(text, "peapod_samples_total{outcome=\"wrong\"} 6"));
  CAF_CHECK(has_line(text, "peapod_digests_total{outcome=\"right\"} 2"));
  CAF_CHECK(has_line(text, "peapod_requests_total{kind=\"tunnel\"} 3"));
  CAF_CHECK(has_line(text, "peapod_share_held_to_bytes_per_second 4096"));
  CAF_CHECK(has_line(text, "peapod_share_paused 1"));
  CAF_CHECK(has_line(text, "peapod_share_used_bytes{period=\"day\"} 40"));
  CAF_CHECK(has_line(text, "peapod_share_limit_bytes{period=\"month\"} 900"));
  CAF_CHECK(has_line(text, "peapod_crashes_total 4"));
  CAF_CHECK(has_line(text, "peapod_events_dropped_total 9"));
  CAF_CHECK(has_line(text, "peapod_serving_bytes 100"));
  CAF_CHECK(has_line(text, "peapod_serving_limit_bytes 1000"));
}

CAF_TEST(actors of one name are counted together) {
  auto text = text_of(full_source());
  CAF_CHECK(has_line(text, "peapod_actors{name=\"transfer\"} 2"));
  CAF_CHECK(has_line(text, "peapod_actors_hanging{name=\"transfer\"} 1"));
  CAF_CHECK(
      has_line(text, "peapod_actor_mailbox_messages{name=\"transfer\"} 7"));
  CAF_CHECK(
      has_line(text, "peapod_actor_mailbox_messages_max{name=\"transfer\"} 5"));
  CAF_CHECK(
      has_line(text, "peapod_actor_restarts_total{actor=\"transfer\"} 3"));
}

CAF_TEST(each own line is told) {
  auto text = text_of(full_source());
  CAF_CHECK(has_line(
      text, "peapod_line_bytes_total{line=\"default\",for=\"own\"} 21"));
  CAF_CHECK(has_line(
      text, "peapod_line_bytes_total{line=\"wan1\",for=\"peers\"} 22"));
  CAF_CHECK(has_line(text, "peapod_line_up{line=\"default\"} 1"));
  CAF_CHECK(has_line(text, "peapod_line_up{line=\"wan1\"} 0"));
  CAF_CHECK(
      has_line(text, "peapod_line_label{line=\"wan1\",label=\"paused\"} 1"));
}

CAF_TEST(what peers call themselves is escaped) {
  auto text = text_of(full_source());
  CAF_CHECK(has_line(text, "peapod_peer_bytes_total{peer=\"a \\\"b\\\"\\\\\\n"
                           "\xef\xbf\xbd\",direction=\"in\"} 77"));
  CAF_CHECK(has_line(text, "peapod_peers{state=\"connected\"} 1"));
  CAF_CHECK(has_line(text, "peapod_peers{state=\"backing off\"} 1"));
  CAF_CHECK(has_line(text, "peapod_peers{state=\"known\"} 0"));
  CAF_CHECK(has_line(text, "peapod_transfers{state=\"running\"} 1"));
}
