#define CAF_SUITE daemon_lines

#include "hosts/get/daemon_lines.hpp"

#include "hosts/get/progress_view.hpp"

#include <chrono>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

const std::string own(32, '1');
const std::string other(32, '2');

std::string status(std::string peer) {
  return R"({"device":{"id":")" + own
         + R"(","name":"me"},"proxy":{"listen":"0.0.0.0:3128"},"peers":[)"
         + peer + "]}";
}

size_t peers_in(std::string peer) {
  auto out = parse_daemon_lines(status(peer));
  return out ? out->peers.size() : 99;
}

} // namespace

CAF_TEST(peers that take tunnels are lines) {
  auto good = R"({"id":")" + other
              + R"(","name":"it","state":"connected","tunnels":true})";
  auto lines = parse_daemon_lines(status(good));
  CAF_REQUIRE(lines.has_value());
  CAF_CHECK_EQUAL(lines->proxy.address, "127.0.0.1");
  CAF_CHECK_EQUAL(lines->proxy.port, 3128);
  CAF_CHECK_EQUAL(lines->own.name, "me");
  CAF_REQUIRE_EQUAL(lines->peers.size(), 1u);
  CAF_CHECK_EQUAL(to_string(lines->peers[0].id), other);
}

CAF_TEST(a peer whose line is another one adds nothing) {
  auto adds = [](std::string members) {
    auto out = parse_daemon_lines(
        status(R"({"id":")" + other
               + R"(","name":"it","state":"connected","tunnels":true)" + members
               + "}"));
    return out && out->peers.size() == 1 && out->peers[0].adds;
  };
  CAF_CHECK(adds(""));
  CAF_CHECK(adds(R"(,"line":{"label":"adds capacity"})"));
  CAF_CHECK(!adds(R"(,"line":{"label":"same line"})"));
  CAF_CHECK(!adds(R"(,"line":{"label":"metered"})"));
}

CAF_TEST(a peer that pauses is none) {
  auto named = R"({"id":")" + other
               + R"(","name":"it","state":"connected","tunnels":true)";
  CAF_CHECK_EQUAL(peers_in(named + "}"), 1u);
  CAF_CHECK_EQUAL(peers_in(named + R"(,"pauses":true})"), 0u);
  CAF_CHECK_EQUAL(peers_in(named + R"(,"line":{"label":"paused"}})"), 0u);
}

namespace {

/// An own line of this number.
std::string line(char number, const char* label, bool up = true) {
  return R"({"id":")" + std::string(32, number) + R"(","name":"wan)" + number
         + R"(","up":)" + (up ? "true" : "false") + R"(,"line":{"label":")"
         + label + R"("}})";
}

daemon_lines with_lines(std::string lines) {
  auto text = status("");
  text.insert(text.size() - 1, R"(,"lines":[)" + lines + "]");
  return parse_daemon_lines(text).value();
}

} // namespace

CAF_TEST(the one line of this device has no name) {
  auto out = with_lines(line('1', "adds capacity"));
  CAF_CHECK_EQUAL(out.own.field, "own");
  CAF_CHECK_EQUAL(out.own.line, "");
  CAF_CHECK(out.more_own.empty());
}

CAF_TEST(each of several own lines that adds something is one by itself) {
  auto out =
      with_lines(line('1', "adds capacity") + "," + line('5', "same line") + ","
                 + line('6', "adds capacity") + "," + line('7', "metered") + ","
                 + line('8', "adds capacity", false));
  CAF_CHECK_EQUAL(out.own.field, "own/wan1");
  CAF_CHECK_EQUAL(out.own.name, "me");
  CAF_REQUIRE_EQUAL(out.more_own.size(), 1u);
  CAF_CHECK_EQUAL(out.more_own[0].field, "own/wan6");
  CAF_CHECK_EQUAL(out.more_own[0].line, "wan6");
  CAF_CHECK_EQUAL(to_string(out.more_own[0].id), std::string(32, '6'));
}

CAF_TEST(the first own line that is up comes first) {
  auto out = with_lines(line('1', "paused", false) + "," + line('5', "paused")
                        + "," + line('6', "adds capacity"));
  CAF_CHECK_EQUAL(out.own.field, "own/wan6");
  CAF_CHECK(out.own.id == device_id::from(from_hex(own)));
  CAF_CHECK(out.more_own.empty());
  CAF_CHECK_EQUAL(
      with_lines(line('1', "paused", false) + "," + line('5', "paused", false))
          .own.field,
      "own");
}

CAF_TEST(other peers are none) {
  CAF_CHECK_EQUAL(peers_in(R"({"id":")" + other + R"(","state":"connected"})"),
                  0u);
  CAF_CHECK_EQUAL(
      peers_in(R"({"id":")" + other + R"(","state":"lost","tunnels":true})"),
      0u);
  CAF_CHECK_EQUAL(peers_in(R"({"id":"2","state":"connected","tunnels":true})"),
                  0u);
  CAF_CHECK_EQUAL(peers_in("7"), 0u);
  CAF_CHECK(!parse_daemon_lines("[]"));
  CAF_CHECK(!parse_daemon_lines("{}"));
}

CAF_TEST(progress is shown in a line and one for each device) {
  board_view view;
  view.name = "file\x1b[2J";
  view.total = 100_MiB;
  view.done = 50_MiB;
  view.devices = {{"", "me", 30_MiB, true}, {other, "it", 20_MiB, false}};
  auto lines = progress_lines(view, 10_MiB, 100);
  CAF_REQUIRE_EQUAL(lines.size(), 3u);
  CAF_CHECK(lines[0].find("50 %") != std::string::npos);
  CAF_CHECK(lines[0].find("ETA 5s") != std::string::npos);
  CAF_CHECK(lines[0].find('\x1b') == std::string::npos);
  CAF_CHECK(lines[2].find("(gone)") != std::string::npos);
  for (auto& line : progress_lines(view, 10_MiB, 30))
    CAF_CHECK(line.size() <= 33); // the sign of a cut has three bytes
}

CAF_TEST(rates are those of the last seconds) {
  recent_rate rate;
  instant t{};
  CAF_CHECK_EQUAL(rate.get(), 0u);
  for (unsigned i = 0; i <= 10; ++i)
    rate.note(i * 1000, t + i * 1s);
  CAF_CHECK_EQUAL(rate.get(), 1000u);
  for (unsigned i = 11; i <= 15; ++i)
    rate.note(10'000, t + i * 1s);
  CAF_CHECK_EQUAL(rate.get(), 0u);
}
