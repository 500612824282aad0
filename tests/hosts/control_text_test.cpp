#include "hosts/common/cli.hpp"
#include "hosts/common/control_text.hpp"
#include "hosts/common/event_source.hpp"
#include "hosts/common/terminal_text.hpp"
#include "hosts/common/text_table.hpp"
#include "hosts/common/time_text.hpp"

#include <cstdlib>

#define CAF_SUITE control_text
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::control;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::vector<server_event> events_of(std::vector<std::string> pieces) {
  std::vector<server_event> out;
  event_parser parser{[&](server_event x) { out.push_back(std::move(x)); }};
  for (auto& x : pieces)
    parser.feed(x);
  return out;
}

constexpr const char* actors_json =
    R"({"daemon":{"id":"00ff","name":"a","version":"1","pid":7,"uptime":5,
        "fault_injection":false},
        "actors":[{"id":3,"name":"peer_session","parent":1,
          "about":"b\u001b[2J","summary":"busy","restart":"temporary",
          "runs_on":"io","state":"hanging","answered":true,"mailbox":3,
          "mailbox_peak":41,"handled":9,"rate":1234,"load":0.256,
          "busy":1.5,"longest":0.25,"uptime":185,"restarts":2,
          "links":[4,5]}]})";

} // namespace

// -- text ---------------------------------------------------------------------

CAF_TEST(text of others cannot move the cursor) {
  CAF_CHECK_EQUAL(printable("a\x1b[2Jb"), "a?[2Jb");
  CAF_CHECK_EQUAL(printable("a\x07\x7f\r"), "a???");
  CAF_CHECK_EQUAL(printable("a\nb\tc"), "a b c");
  // C1 controls, which some terminals obey.
  CAF_CHECK_EQUAL(printable("a\u009b2J"), "a?2J");
}

CAF_TEST(text that is not UTF8 becomes question marks) {
  CAF_CHECK_EQUAL(printable("\xff\xfe x"), "?? x");
  CAF_CHECK_EQUAL(printable("\xc3"), "?");
  CAF_CHECK_EQUAL(printable("\xc0\x80"), "??");
  CAF_CHECK_EQUAL(printable("\xed\xa0\x80"), "???");
  CAF_CHECK_EQUAL(printable("\xf5\x80\x80\x80"), "????");
  CAF_CHECK_EQUAL(printable("grün 居間"), "grün 居間");
}

CAF_TEST(text cannot change the direction or hide) {
  CAF_CHECK_EQUAL(printable("a\u202eb\u200bc\ufeff"), "a?b?c?");
  CAF_CHECK_EQUAL(printable("e\u0301"), "e\u0301");
  auto tower = std::string{"e"};
  for (int i = 0; i < 50; ++i)
    tower += "\u0301";
  CAF_CHECK(width_of(printable(tower)) > 40);
}

CAF_TEST(width is counted in columns) {
  CAF_CHECK_EQUAL(width_of("abc"), 3u);
  CAF_CHECK_EQUAL(width_of("居間"), 4u);
  CAF_CHECK_EQUAL(width_of("e\u0301"), 1u);
  CAF_CHECK_EQUAL(width_of("├ █…"), 4u);
}

CAF_TEST(text is cut at columns and never inside a sign) {
  CAF_CHECK_EQUAL(cut_to("abcdef", 4), "abc…");
  CAF_CHECK_EQUAL(cut_to("abcd", 4), "abcd");
  CAF_CHECK_EQUAL(cut_to("居間居間", 4), "居…");
  CAF_CHECK_EQUAL(cut_to("abc", 0), "");
  CAF_CHECK_EQUAL(fit_to("居間居間", 4), "居… ");
  CAF_CHECK_EQUAL(fit_to("7", 3, true), "  7");
}

CAF_TEST(what ASCII cannot show gets a similar sign of the same width) {
  CAF_CHECK_EQUAL(in_charset("├ └ │ ▁▄█ ·…", charset::ascii), "| ` | _-# .~");
  CAF_CHECK_EQUAL(in_charset("grün 居", charset::ascii), "gr?n ??");
  CAF_CHECK_EQUAL(in_charset("grün", charset::utf8), "grün");
}

CAF_TEST(times are short) {
  CAF_CHECK_EQUAL(span_text(0), "0");
  CAF_CHECK_EQUAL(span_text(0.000085), "85us");
  CAF_CHECK_EQUAL(span_text(0.0012), "1.2ms");
  CAF_CHECK_EQUAL(span_text(0.34), "340ms");
  CAF_CHECK_EQUAL(span_text(2.5), "2.5s");
  CAF_CHECK_EQUAL(span_text(90), "90s");
  CAF_CHECK_EQUAL(age_text(42.7), "42s");
  CAF_CHECK_EQUAL(age_text(185), "3m05");
  CAF_CHECK_EQUAL(age_text(7620), "2h07m");
  CAF_CHECK_EQUAL(age_text(3 * 86400 + 4 * 3600), "3d04h");
  for (double x = 1e-7; x < 1e9; x *= 1.7) {
    CAF_CHECK(span_text(x).size() <= 7);
    CAF_CHECK(age_text(x).size() <= 6);
  }
}

CAF_TEST(a time of day is shown or given back) {
  ::setenv("TZ", "UTC", 1);
  CAF_CHECK_EQUAL(clock_text("2026-11-24T15:01:06.123Z"), "15:01:06");
  CAF_CHECK_EQUAL(clock_text("2026-11-24T15:01:06.123456Z", true),
                  "15:01:06.123");
  CAF_CHECK_EQUAL(clock_text("2026-11-24T15:01:06Z", true), "15:01:06.000");
  CAF_CHECK_EQUAL(clock_text("soon"), "soon");
  CAF_CHECK_EQUAL(clock_text(""), "");
}

CAF_TEST(spans are read) {
  CAF_CHECK(parse_span("100ms") == duration{100ms});
  CAF_CHECK(parse_span("0.5s") == duration{500ms});
  CAF_CHECK(parse_span("1m") == duration{60s});
  for (auto* wrong : {"", "100", "-1s", "1h", "s", "nan s", "1e99s"})
    CAF_CHECK(!parse_span(wrong));
}

CAF_TEST(a table gives way where it may) {
  std::vector<column> columns{
      {"ID", true, 2}, {"NAME", false, 4, true}, {"MORE", false, 3, false, 1}};
  std::vector<table_row> rows{{{"1"}, {"abcdefghij"}, {"xyz"}}};
  CAF_CHECK_EQUAL(table(columns, rows, 20)[1].text(), " 1 abcdefghij xyz ");
  CAF_CHECK_EQUAL(table(columns, rows, 15)[1].text(), " 1 abcdef… xyz ");
  CAF_CHECK_EQUAL(table(columns, rows, 10)[1].text(), " 1 abcdef…");
  for (auto& x : table(columns, rows, 3))
    CAF_CHECK(x.width() <= 3);
}

CAF_TEST(colours are for those who want them) {
  lines x{line{"a "}.add("b", tone::bad).add("  ", tone::tab)};
  CAF_CHECK_EQUAL(to_text(x), "a b\n");
  CAF_CHECK_EQUAL(to_text(x, {true, charset::utf8}), "a \x1b[1;31mb\x1b[0m\n");
}

// -- answers ------------------------------------------------------------------

CAF_TEST(actors become a table) {
  auto got = read_actors(actors_json);
  CAF_REQUIRE(got);
  auto text = to_text(actors_text(got->actors));
  for (auto* part : {"peer_session", "b?[2J", "hanging", "3/41", "1.2k", "26%",
                     "1.5s", "250ms", "3m05"})
    CAF_CHECK(has(text, part));
}

CAF_TEST(an actor is shown in full) {
  auto got = read_actor(
      R"({"actor":{"id":3,"name":"transfer","parent":1,"state":"idle",
          "restart":"temporary","runs_on":"io","answered":true,"links":[4]},
          "data":{"leases":[{"range":"0-9"}],"ports":[80,443],"none":null,
                  "empty":[]},
          "recent":[{"time":"2026-11-24T15:01:06.123Z","from":5,
                     "from_name":"scheduler","to":3,"type":"fetch_chunk",
                     "size":262144,"took":0.0001}],
          "fault":"drop"})");
  CAF_REQUIRE(got);
  auto text = to_text(actor_text(*got));
  for (auto* part :
       {"transfer 3", "supervisor 1, ends with 4", "disturbed: drop",
        "  leases:\n    0:\n      range: 0-9", "ports: 80, 443", "none: -",
        "empty: none", "scheduler 5", "fetch_chunk", "256 KiB"})
    CAF_CHECK(has(text, part));
}

CAF_TEST(a tree is drawn) {
  auto got = read_tree(
      R"({"tree":{"id":1,"name":"root","about":"","restart":"permanent",
          "restarts":0,"strategy":"rest_for_one","children":[
          {"id":2,"name":"a","about":"","restart":"permanent","restarts":3,
           "strategy":null,"children":[]},
          {"id":3,"name":"b","about":"x","restart":"temporary","restarts":0,
           "strategy":null,"children":[]}]}})");
  CAF_REQUIRE(got);
  auto text = to_text(tree_text(*got));
  CAF_CHECK(has(text, "├ a"));
  CAF_CHECK(has(text, "└ b"));
  CAF_CHECK(has(text, "rest_for_one"));
}

CAF_TEST(answers of missing or odd members are shown as far as they go) {
  for (auto* odd : {"{}", R"({"actors":[1,{"id":"x"}],"daemon":3,"tree":[],
                              "crashes":{},"peers":[null],"transfers":7,
                              "members":[{}],"actor":{},"recent":3,
                              "data":[]})"}) {
    CAF_CHECK(read_actors(odd));
    CAF_CHECK(read_actor(odd));
    CAF_CHECK(read_tree(odd));
    CAF_CHECK(read_crashes(odd));
    CAF_CHECK(read_peers(odd));
    CAF_CHECK(read_transfers(odd));
    CAF_CHECK(read_pod(odd));
    CAF_CHECK(read_status(odd));
    to_text(actor_text(*read_actor(odd)));
    to_text(pod_text(*read_pod(odd)));
  }
  CAF_CHECK(!read_actors("[]"));
  CAF_CHECK(!read_actors("nonsense"));
}

CAF_TEST(who adds nothing is named with whom it shares a bottleneck) {
  auto said = [](const std::string& with) {
    auto all =
        read_peers(R"({"peers":[{"id":"01","name":"a","state":"connected"},
                              {"id":"02","name":"b","state":"connected",
                               "same_line":")"
                   + with + R"("}]})");
    return all ? same_line_text(all->peers.at(1), all->peers) : std::nullopt;
  };
  CAF_CHECK(has(said("01").value_or(""), "b adds nothing now"));
  CAF_CHECK(has(said("01").value_or(""), "bottleneck with a "));
  CAF_CHECK(has(said("ff").value_or(""), "bottleneck with this device "));
  CAF_CHECK(!said(""));
}

CAF_TEST(who waits is shown with its words and what to type) {
  auto shown = [](const std::string& more) {
    auto all = read_peers(
        R"({"peers":[{"id":"0123456789abcdef","name":"phone","trust":"trusted"},
                     {"id":"fedcba9876543210","trust":"waiting")"
        + more + "}]}");
    return all ? to_text(peers_text(*all)) : "";
  };
  CAF_CHECK(has(shown(R"(,"name":"tablet","code":["a","b","c","d"])"),
                "tablet waits to be let in. If it shows the words a b c d too, "
                "type: peapod trust tablet a b c d\n"));
  CAF_CHECK(has(shown(R"(,"name":"tablet")"), "its words are on their way"));
  // What is no plain name of its own is typed as an id.
  for (auto* name : {"phone", "my tablet", "-f", "$(id)", "0123", ""})
    CAF_CHECK(has(shown(R"(,"code":["a"],"name":")" + std::string{name} + '"'),
                  "type: peapod trust fedcba987654 a\n"));
  CAF_CHECK(has(shown(""), "trusted"));
}

CAF_TEST(why there is no session is shown and that too many wait) {
  auto shown = [](const std::string& state, const std::string& crowded) {
    auto all = read_peers(
        R"({"peers":[{"id":"0123456789abcdef","name":"phone","trust":"stranger",
                      "why":"the pod secrets differ","state":")"
        + state + R"("}],"crowded":)" + crowded + "}");
    return all ? to_text(peers_text(*all)) : "";
  };
  auto away = shown("backing off", "false");
  CAF_CHECK(has(away, "no session with phone: the pod secrets differ"));
  CAF_CHECK(!has(away, "more devices wait"));
  CAF_CHECK(!has(shown("dialling", "false"), "secrets differ"));
  CAF_CHECK(has(shown("dialling", "true"), "peapod trust ID here"));
}

CAF_TEST(text that is not UTF8 does not spoil an answer) {
  auto got = read_peers("{\"peers\":[{\"name\":\"b\xff\x9b\"}]}");
  CAF_REQUIRE(got);
  CAF_CHECK_EQUAL(got->peers[0].name, "b??");
}

CAF_TEST(a failure is the sentence of the daemon) {
  CAF_CHECK_EQUAL(failure_text(410, R"({"error":"it has ended"})"),
                  "it has ended");
  CAF_CHECK_EQUAL(failure_text(500, "boom"), "the daemon answered 500");
}

CAF_TEST(crashes and their reports are shown) {
  auto got = read_crashes(
      R"({"total":9,"crashes":[{"seq":9,"time":"2026-11-24T15:01:06Z",
          "actor":4,"name":"roster","parent":1,"about":"","reason":"oops",
          "uptime":5,"handled":2,"recent":[{"type":"tick","from":null,
          "from_name":"io"}],"data":null}]})");
  CAF_REQUIRE(got);
  CAF_CHECK(has(to_text(crashes_text(*got)), "oops"));
  CAF_CHECK(has(to_text(crashes_text(*got)), "9 in all"));
  auto report = to_text(crash_text(got->crashes[0]));
  CAF_CHECK(has(report, "roster 4"));
  CAF_CHECK(has(report, "tick"));
  CAF_CHECK(has(report, "not known"));
  CAF_CHECK(has(to_text(crashes_text({})), "no actor has crashed"));
}

CAF_TEST(sorting puts the largest figure and the first name first) {
  actor a, b;
  a.id = 1;
  b.id = 2;
  a.name = "b";
  b.name = "a";
  b.load = 1;
  b.state = "hanging";
  CAF_CHECK(comes_before(a, b, sort_key::id));
  CAF_CHECK(comes_before(b, a, sort_key::name));
  CAF_CHECK(comes_before(b, a, sort_key::load));
  CAF_CHECK(comes_before(b, a, sort_key::state));
  CAF_CHECK(comes_before(a, b, sort_key::mailbox));
}

// -- server-sent events -------------------------------------------------------

CAF_TEST(a stream is cut into events wherever its pieces end) {
  std::string all = ": hello\nid: 7\nevent: crashed\ndata: {\"a\":\ndata: 1}\n"
                    "\nevent: down\r\ndata:x\r\n\r\ndata\n\n\n";
  std::vector<std::string> bytes;
  for (auto c : all)
    bytes.emplace_back(1, c);
  for (auto& got : {events_of({all}), events_of(bytes)}) {
    CAF_REQUIRE_EQUAL(got.size(), 3u);
    CAF_CHECK_EQUAL(got[0].id, "7");
    CAF_CHECK_EQUAL(got[0].kind, "crashed");
    CAF_CHECK_EQUAL(got[0].data, "{\"a\":\n1}");
    CAF_CHECK_EQUAL(got[1].id, "7");
    CAF_CHECK_EQUAL(got[1].kind, "down");
    CAF_CHECK_EQUAL(got[1].data, "x");
    CAF_CHECK_EQUAL(got[2].kind, "message");
    CAF_CHECK_EQUAL(got[2].data, "");
  }
}

CAF_TEST(an event without data or end is none) {
  CAF_CHECK(events_of({"event: x\n\n", "data: unfinished\n"}).empty());
}

CAF_TEST(a line without end costs no memory without end) {
  event_parser parser{[](server_event) {}};
  std::string piece(1 << 16, 'x');
  for (int i = 0; i < 100; ++i)
    parser.feed(piece);
  std::vector<server_event> got;
  event_parser next{[&](server_event x) { got.push_back(std::move(x)); }};
  next.feed("data: " + std::string(3 << 20, 'y') + "\n\n");
  CAF_REQUIRE_EQUAL(got.size(), 1u);
  CAF_CHECK(got[0].data.size() <= 1u << 20);
}
