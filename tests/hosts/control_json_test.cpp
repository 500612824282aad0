#include "hosts/common/actors_json.hpp"
#include "hosts/common/control_data.hpp"
#include "hosts/common/json_text.hpp"
#include "hosts/common/status_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#define CAF_SUITE control_json
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

device_id id_of(uint8_t x) {
  device_id out;
  out.bytes[0] = x;
  return out;
}

actor_row row(actor_number id, std::optional<actor_number> parent) {
  actor_row out;
  out.id = id;
  out.name = "a" + std::to_string(id);
  out.parent = parent;
  return out;
}

/// The tree as in `1(2(3)4)`.
std::string picture(const json::value& node) {
  auto out = std::to_string(node.at("id").to_number<int>());
  auto& children = node.at("children").as_array();
  if (children.empty())
    return out;
  out += '(';
  for (auto& child : children)
    out += picture(child);
  return out + ')';
}

std::string tree_of(const std::vector<actor_row>& rows) {
  return picture(tree_json(rows));
}

peer_status peer(uint8_t id, std::string name) {
  peer_status out;
  out.id = id_of(id);
  out.name = std::move(name);
  out.state = "connected";
  return out;
}

} // namespace

CAF_TEST(times are UTC with milliseconds) {
  auto at = [](int64_t ms) {
    return rfc3339(
        std::chrono::system_clock::time_point{std::chrono::milliseconds{ms}});
  };
  CAF_CHECK_EQUAL(at(0), "1970-01-01T00:00:00.000Z");
  CAF_CHECK_EQUAL(at(1795248000125), "2026-11-21T08:00:00.125Z");
  CAF_CHECK_EQUAL(at(951782399999), "2000-02-28T23:59:59.999Z");
}

CAF_TEST(bytes that are no UTF - 8 are replaced) {
  CAF_CHECK_EQUAL(clean_utf8("h\xc3\xa9"), "h\xc3\xa9");
  CAF_CHECK_EQUAL(clean_utf8("a\xff\xfe z"), "a\xef\xbf\xbd\xef\xbf\xbd z");
  CAF_CHECK_EQUAL(clean_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
  CAF_CHECK_EQUAL(clean_utf8("\xed\xa0\x80"),
                  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

CAF_TEST(numbers that JSON does not know become zero) {
  CAF_CHECK_EQUAL(json_number(1.0 / 0.0), 0);
  CAF_CHECK_EQUAL(json_number(0.0 / 0.0), 0);
  CAF_CHECK_EQUAL(json_number(0.1234567), 0.123457);
  CAF_CHECK_EQUAL(json_number(1e305), 1e305);
}

// -- actors -------------------------------------------------------------------

CAF_TEST(a row has every member) {
  auto x = row(7, 3);
  x.about = "kitchen\xff";
  x.on_io = true;
  x.restart = restart_type::temporary;
  x.busy = 1500ms;
  x.links = {3, 9};
  auto out = json::value(to_json(x));
  CAF_CHECK_EQUAL(
      json::serialize(out),
      R"({"id":7,"name":"a7","parent":3,"about":"kitchen)"
      "\xef\xbf\xbd"
      R"(","summary":"","restart":"temporary","runs_on":"io","state":"idle",)"
      R"("answered":false,"mailbox":0,"mailbox_peak":0,"handled":0,"rate":0E0,)"
      R"("load":0E0,"busy":1.5E0,"longest":0E0,"uptime":0E0,"restarts":0,)"
      R"("links":[3,9]})");
  CAF_CHECK(json::value(to_json(row(1, std::nullopt))).at("parent").is_null());
}

CAF_TEST(the state of an actor is embedded as it is and null if it is not ) {
  actor_page x;
  auto data = [&]() -> json::value { return to_json(x).at("data"); };
  CAF_CHECK(data().is_null());
  x.data = R"({"a":[1,{"b":null}]})";
  CAF_CHECK_EQUAL(json::serialize(data()), *x.data);
  for (auto broken : {"", "{", "[1]", "7", "{\"a\":\"\xff\"}", "{} {}"}) {
    x.data = broken;
    CAF_CHECK(data().is_null());
  }
}

CAF_TEST(a message from a socket has no sender) {
  message_record x;
  x.from_name = "io";
  x.to = 4;
  x.type = "fetch_chunk";
  x.size = 10;
  x.took = 250us;
  CAF_CHECK_EQUAL(
      json::serialize(to_json(x)),
      R"({"time":"1970-01-01T00:00:00.000Z","from":null,"from_name":"io",)"
      R"("to":4,"type":"fetch_chunk","size":10,"took":2.5E-4})");
  x.from = 3;
  auto from_three = to_json(x);
  CAF_CHECK_EQUAL(from_three.at("from"), json::value(3));
}

CAF_TEST(an event names a peer and a transfer only if it is about one) {
  pod_event x;
  x.seq = 5;
  x.kind = event_kind::peer_up;
  x.text = "it is there";
  auto plain = to_json(x);
  CAF_CHECK(!plain.contains("peer") && !plain.contains("transfer"));
  CAF_CHECK(plain.at("actor").is_null());
  CAF_CHECK_EQUAL(plain.at("kind"), json::value("peer_up"));
  x.actor = 9;
  x.peer = "aa";
  x.transfer = "bb";
  auto full = to_json(x);
  CAF_CHECK_EQUAL(full.at("actor"), json::value(9));
  CAF_CHECK_EQUAL(full.at("peer"), json::value("aa"));
  CAF_CHECK_EQUAL(full.at("transfer"), json::value("bb"));
}

CAF_TEST(the tree hangs together whatever the rows say) {
  CAF_CHECK(tree_json({}).is_null());
  CAF_CHECK_EQUAL(tree_of({row(1, {})}), "1");
  CAF_CHECK_EQUAL(tree_of({row(1, {}), row(2, 1), row(3, 2), row(4, 1)}),
                  "1(2(3)4)");
  // The parent of 3 and what 4 belongs to have gone.
  CAF_CHECK_EQUAL(tree_of({row(1, {}), row(3, 2), row(4, {}), row(5, 4)}),
                  "1(34(5))");
  // Circles are impossible, but would hang nowhere.
  CAF_CHECK_EQUAL(tree_of({row(1, {}), row(2, 3), row(3, 2), row(4, 4)}),
                  "1(234)");
  // A supervisor is the root, also when somebody else was there first.
  auto root = row(2, {});
  root.strategy = restart_strategy::rest_for_one;
  auto tree = tree_json({row(1, {}), root, row(3, 2)});
  CAF_CHECK_EQUAL(picture(tree), "2(13)");
  CAF_CHECK_EQUAL(tree.at("strategy"), json::value("rest_for_one"));
  CAF_CHECK(tree.at("children").at(0).at("strategy").is_null());
}

// -- status -------------------------------------------------------------------

CAF_TEST(no two devices are called the same) {
  pod_status x;
  x.id = id_of(0);
  x.peers = {peer(1, "a"),    peer(2, "b"),    peer(3, "b"),
             peer(4, ""),     peer(5, "self"), peer(6, to_string(id_of(4))),
             peer(7, "\xff"), peer(8, "\xfe")};
  auto labels = source_labels(x);
  CAF_CHECK_EQUAL(labels[id_of(0)], "self");
  CAF_CHECK_EQUAL(labels[id_of(1)], "a");
  for (uint8_t i = 2; i <= 8; ++i)
    CAF_CHECK_EQUAL(labels[id_of(i)], to_string(id_of(i)));
}

CAF_TEST(a transfer shows who brought which part) {
  pod_status x;
  x.id = id_of(0);
  x.peers = {peer(1, "a")};
  transfer_status transfer;
  transfer.state = "running";
  transfer.map = {{id_of(0), 3}, {id_of(1), 2}, {id_of(9), 1}, {{}, 4}};
  transfer.verified_by = rung::digest;
  transfer.ledger.samples = 4;
  transfer.ledger.lies = 1;
  x.transfers = {transfer};
  auto first = json::value(transfers_json(x)).at(0);
  CAF_CHECK_EQUAL(first.at("verified_by"), json::value("digest"));
  CAF_CHECK_EQUAL(first.at("samples"), json::value(4u));
  CAF_CHECK_EQUAL(first.at("lies"), json::value(1u));
  auto map = json::value(transfers_json(x)).at(0).at("map");
  CAF_CHECK_EQUAL(json::serialize(map),
                  R"([{"source":"self","cells":3},{"source":"a","cells":2},)"
                  R"({"source":")"
                      + to_string(id_of(9))
                      + R"(","cells":1},{"source":null,"cells":4}])");
}

CAF_TEST(a peer that shares a bottleneck says with whom) {
  pod_status x;
  x.peers = {peer(1, "a"), peer(2, "b")};
  x.peers[1].same_line = id_of(1);
  auto out = json::value(peers_json(x));
  CAF_CHECK(!out.at(0).as_object().contains("same_line"));
  CAF_CHECK_EQUAL(out.at(1).at("same_line"), json::value(to_string(id_of(1))));
}

CAF_TEST(a peer says how it stands and the words of one that waits) {
  pod_status x;
  x.peers = {peer(1, "a"), peer(2, "b")};
  x.peers[0].trust = "trusted";
  x.peers[0].secure = true;
  x.peers[1].trust = "waiting";
  x.peers[1].code = {"apple", "boat"};
  auto out = json::value(peers_json(x));
  CAF_CHECK_EQUAL(out.at(0).at("trust"), json::value("trusted"));
  CAF_CHECK_EQUAL(out.at(0).at("secure"), json::value(true));
  CAF_CHECK_EQUAL(json::serialize(out.at(0).at("code")), "[]");
  CAF_CHECK_EQUAL(out.at(1).at("trust"), json::value("waiting"));
  CAF_CHECK_EQUAL(json::serialize(out.at(1).at("code")), R"(["apple","boat"])");
}

CAF_TEST(lines are told with their labels) {
  pod_status x;
  x.id = id_of(9);
  x.peers = {peer(1, "a"), peer(2, "self:wlan0")};
  x.peers[0].line = egress_label{egress_kind::same_line, id_of(9),
                                 "this device", "same gateway"};
  line_status one, two;
  one.id = id_of(9);
  one.name = "eth0";
  one.facts = {"eth0", "192.0.2.254", "020000000001", "198.51.100.1", {}};
  one.line.evidence = "nothing known against it";
  one.own_bytes = 5;
  two.id = id_of(8);
  two.name = "wlan0";
  two.up = false;
  two.line = {egress_kind::paused, {}, {}, "it is not connected"};
  x.lines = {one, two};
  auto peers = json::value(peers_json(x));
  CAF_CHECK_EQUAL(json::serialize(peers.at(0).at("line")),
                  R"({"label":"same line","evidence":"same gateway","as":")"
                      + to_string(id_of(9)) + R"(","as_name":"this device"})");
  CAF_CHECK(!peers.at(1).as_object().contains("line"));
  auto lines =
      json::value(status_json({}, x, proxy_counters{}, {})).at("lines");
  // A gateway's link-layer address is nobody's business.
  CAF_CHECK_EQUAL(json::serialize(lines.at(0)),
                  R"({"id":")" + to_string(id_of(9))
                      + R"(","name":"eth0","up":true,"interface":"eth0",)"
                        R"("gateway":"192.0.2.254",)"
                        R"("public_addresses":["198.51.100.1"],)"
                        R"("bytes_own":5,"bytes_peers":0,)"
                        R"("line":{"label":"adds capacity",)"
                        R"("evidence":"nothing known against it"}})");
  CAF_CHECK_EQUAL(lines.at(1).at("up"), json::value(false));
  CAF_CHECK_EQUAL(lines.at(1).at("line").at("label"), json::value("paused"));
  // No device is taken for a line of this one.
  auto labels = source_labels(x);
  CAF_CHECK_EQUAL(labels.at(id_of(9)), "self");
  CAF_CHECK_EQUAL(labels.at(id_of(8)), "self:wlan0");
  CAF_CHECK_EQUAL(labels.at(id_of(2)), to_string(id_of(2)));
}

CAF_TEST(a status says which daemon answers) {
  pod_status x;
  x.name = "box";
  x.peers = {peer(1, "a")};
  proxy_counters counters;
  counters.requests = 3;
  daemon_info daemon{"00ff", "box", "1.2.3",         42,
                     1500ms, true,  "127.0.0.1:3128"};
  auto out = json::value(status_json(daemon, x, counters, {}));
  CAF_CHECK_EQUAL(json::serialize(out.at("daemon")),
                  R"({"id":"00ff","name":"box","version":"1.2.3","pid":42,)"
                  R"("uptime":1.5E0,"fault_injection":true,)"
                  R"("confined":false})");
  CAF_CHECK_EQUAL(out.at("pod_size"), json::value(2));
  CAF_CHECK_EQUAL(out.at("proxy").at("requests"), json::value(3));
  CAF_CHECK_EQUAL(json::serialize(out.at("share")),
                  R"({"served_bytes":0,"held_to":null,"state":"on",)"
                  R"("why":null,"today":{"used":0,"limit":null},)"
                  R"("month":{"used":0,"limit":null},"metered":null,)"
                  R"("on_battery":null,"battery":null})");
}

CAF_TEST(a status says what hosts say of the clock) {
  daemon_info daemon;
  auto clock = [&] {
    auto text = json::serialize(status_json(daemon, {}, proxy_counters{}, {}));
    auto read = control::read_status(text);
    CAF_REQUIRE(read);
    return read->clock;
  };
  CAF_CHECK(!clock());
  daemon.clock = {-90s, 4};
  auto told = clock();
  CAF_REQUIRE(told);
  CAF_CHECK_EQUAL(told->behind, -90);
  CAF_CHECK_EQUAL(told->hosts, 4u);
}

CAF_TEST(a status says why nothing is shared and what was) {
  proxy_counters counters;
  counters.held_to = 500'000;
  sharing_state sharing{sharing_obstacle::metered,
                        {20260110, 7, 202601, 70},
                        {100, 1000},
                        {true, false, false, uint8_t{99}}};
  auto share = [&] {
    return json::value(status_json({}, {}, counters, sharing)).at("share");
  };
  CAF_CHECK_EQUAL(json::serialize(share()),
                  R"({"served_bytes":0,"held_to":500000,"state":"paused",)"
                  R"("why":"the connection is metered",)"
                  R"("today":{"used":7,"limit":100},)"
                  R"("month":{"used":70,"limit":1000},"metered":true,)"
                  R"("on_battery":false,"battery":99})");
  sharing.paused = sharing_obstacle::off;
  auto off = share();
  CAF_CHECK_EQUAL(off.at("state"), json::value("off"));
}
