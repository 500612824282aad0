#include "hosts/common/demo_origin.hpp"

#include "core/integrity.hpp"
#include "hosts/common/demo_client.hpp"
#include "hosts/common/progress.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <sstream>

#define CAF_SUITE demo_origin
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

demo_file file_of(uint64_t size) {
  return {size, {}, "\"v1\""};
}

demo_request asking_for(std::string range) {
  demo_request out;
  out.range = std::move(range);
  return out;
}

std::vector<uint8_t> content(byte_range range) {
  std::vector<uint8_t> out(range.size());
  fill_demo_content(range.begin, out);
  return out;
}

/// What one line carries to connections that take turns, in pieces, until a
/// virtual second has passed.
uint64_t sent_in_a_second(demo_lines& lines,
                          const std::vector<std::string>& connections) {
  constexpr uint64_t piece = 1000;
  uint64_t out = 0;
  for (auto& address : connections) {
    instant now{10s};
    while (now < instant{11s}) {
      now += lines.send(address, piece, now);
      out += piece;
    }
  }
  return out;
}

/// A connection to the origin that is written and read by hand.
struct raw_client {
  asio::io_context io;
  tcp::socket socket{io};
  std::string received;

  explicit raw_client(const demo_origin& origin) {
    socket.connect(
        {asio::ip::make_address(origin.local().address), origin.local().port});
  }

  /// The response's head; its body follows in `body`.
  std::string ask(const std::string& head) {
    asio::write(socket, asio::buffer(head + "Host: demo\r\n\r\n"));
    auto size =
        asio::read_until(socket, asio::dynamic_buffer(received), "\r\n\r\n");
    auto out = received.substr(0, size);
    received.erase(0, size);
    return out;
  }

  std::string body(size_t size) {
    while (received.size() < size) {
      std::array<char, 4096> piece;
      auto got = socket.read_some(asio::buffer(piece));
      received.append(piece.data(), got);
    }
    auto out = received.substr(0, size);
    received.erase(0, size);
    return out;
  }
};

std::unique_ptr<demo_origin> open_origin(uint64_t size,
                                         uint64_t rate = 1'000'000'000) {
  auto out = demo_origin::open({"127.0.0.1", 0}, size, rate);
  CAF_REQUIRE(out);
  return std::move(*out);
}

} // namespace

// -- what it serves -----------------------------------------------------------

CAF_TEST(the content of a file follows from its offsets alone) {
  auto all = content({0, 100});
  for (uint64_t begin : {1, 5, 8, 13})
    CAF_CHECK(std::equal(all.begin() + static_cast<ptrdiff_t>(begin), all.end(),
                         content({begin, 100}).begin()));
  CAF_CHECK_EQUAL(to_hex(content({5, 13})), "a820e2f465b9a16a");
}

CAF_TEST(the digest of a file is that of its content) {
  auto file = demo_file::of_size(100'003);
  CAF_CHECK_EQUAL(to_string(file.sha256), "37aec24fe9b11a14e28ea82af17e72ad"
                                          "c41edbfb2f5351ed07abb441dc5391b0");
  CAF_CHECK_EQUAL(file.etag, "\"37aec24fe9b11a14\"");
  auto longer = demo_file::of_size(256_KiB + 5);
  CAF_CHECK(longer.sha256 == sha256(content({0, longer.size})));
}

CAF_TEST(a request without a range gets the whole file) {
  auto x = answer_demo({}, file_of(100));
  CAF_CHECK_EQUAL(x.status, 200u);
  CAF_CHECK_EQUAL(x.body, (byte_range{0, 100}));
  CAF_CHECK_EQUAL(x.length, 100u);
  CAF_CHECK(x.content_range.empty());
}

CAF_TEST(a HEAD gets the length but no body and no range) {
  auto request = asking_for("bytes=0-9");
  request.method = "HEAD";
  auto x = answer_demo(request, file_of(100));
  CAF_CHECK_EQUAL(x.status, 200u);
  CAF_CHECK(x.body.empty());
  CAF_CHECK_EQUAL(x.length, 100u);
}

CAF_TEST(a range gets the bytes that it selects) {
  struct {
    const char* range;
    byte_range body;
    const char* content_range;
  } rows[]{
      {"bytes=0-0", {0, 1}, "bytes 0-0/100"},
      {"bytes=10-19", {10, 20}, "bytes 10-19/100"},
      {"bytes=90-", {90, 100}, "bytes 90-99/100"},
      {"bytes=90-500", {90, 100}, "bytes 90-99/100"},
      {"bytes=-7", {93, 100}, "bytes 93-99/100"},
      {"bytes=-500", {0, 100}, "bytes 0-99/100"},
  };
  for (auto& row : rows) {
    auto x = answer_demo(asking_for(row.range), file_of(100));
    CAF_CHECK_EQUAL(x.status, 206u);
    CAF_CHECK_EQUAL(x.body, row.body);
    CAF_CHECK_EQUAL(x.content_range, row.content_range);
    CAF_CHECK_EQUAL(x.length, row.body.size());
  }
}

CAF_TEST(a range behind the end is not satisfiable) {
  for (auto range : {"bytes=100-", "bytes=100-200", "bytes=-0"}) {
    auto x = answer_demo(asking_for(range), file_of(100));
    CAF_CHECK_EQUAL(x.status, 416u);
    CAF_CHECK(x.body.empty());
    CAF_CHECK_EQUAL(x.content_range, "bytes */100");
  }
}

CAF_TEST(ranges that are malformed or several get the whole file) {
  for (auto range : {"bytes=9-3", "lines=1-2", "bytes=0-1,5-6", "nonsense"})
    CAF_CHECK_EQUAL(answer_demo(asking_for(range), file_of(100)).status, 200u);
}

CAF_TEST(a range of another version gets the whole file) {
  auto request = asking_for("bytes=10-19");
  request.if_range = "\"v1\"";
  CAF_CHECK_EQUAL(answer_demo(request, file_of(100)).status, 206u);
  for (auto other : {"\"v2\"", "W/\"v1\"", "Tue, 01 Jan 2030 00:00:00 GMT"}) {
    request.if_range = other;
    auto x = answer_demo(request, file_of(100));
    CAF_CHECK_EQUAL(x.status, 200u);
    CAF_CHECK_EQUAL(x.body, (byte_range{0, 100}));
  }
}

CAF_TEST(other methods and paths are refused) {
  demo_request request;
  request.method = "POST";
  CAF_CHECK_EQUAL(answer_demo(request, file_of(100)).status, 405u);
  request = {};
  request.path = "/favicon.ico";
  CAF_CHECK_EQUAL(answer_demo(request, file_of(100)).status, 404u);
}

// -- how fast -----------------------------------------------------------------

CAF_TEST(connections of one address share its line) {
  demo_lines lines{100'000};
  instant now{10s};
  duration wait{};
  for (int i = 0; i < 50; ++i) {
    lines.send("one", 1000, now);
    wait = lines.send("one", 1000, now);
  }
  CAF_CHECK_EQUAL(wait, duration{995ms});
  CAF_CHECK_EQUAL(lines.sent("one"), 100'000u);
}

CAF_TEST(each address has a line of its own) {
  demo_lines lines{100'000};
  auto alone = sent_in_a_second(lines, {"one"});
  CAF_CHECK_EQUAL(alone, 101'000u);
  CAF_CHECK_EQUAL(sent_in_a_second(lines, {"two", "three"}), 2 * alone);
  CAF_CHECK_EQUAL(lines.sent("three"), alone);
  CAF_CHECK_EQUAL(lines.sent("four"), 0u);
}

CAF_TEST(a line that rested does not catch up on all of it) {
  demo_lines lines{100'000};
  lines.send("one", 1000, instant{10s});
  CAF_CHECK_EQUAL(lines.send("one", 20'000, instant{60s}), duration{195ms});
}

// -- the server ---------------------------------------------------------------

CAF_TEST(one connection carries several requests) {
  auto origin = open_origin(1000);
  raw_client client{*origin};
  auto head = client.ask("GET /a.bin HTTP/1.1\r\nRange: bytes=100-299\r\n");
  CAF_CHECK(head.starts_with("HTTP/1.1 206 "));
  CAF_CHECK(head.find("Content-Range: bytes 100-299/1000\r\n")
            != std::string::npos);
  CAF_CHECK(head.find("ETag: " + origin->file().etag + "\r\n")
            != std::string::npos);
  CAF_CHECK(head.find("Accept-Ranges: bytes\r\n") != std::string::npos);
  CAF_CHECK_EQUAL(client.body(200),
                  std::string(slice{content({100, 300})}.text()));
  CAF_CHECK(client.ask("HEAD /a.bin HTTP/1.1\r\n").starts_with("HTTP/1.1 200"));
  CAF_CHECK(client.ask("GET /a HTTP/1.1\r\n").starts_with("HTTP/1.1 404 "));
  CAF_CHECK(client.ask("GET /a.bin?x HTTP/1.1\r\n").starts_with("HTTP/1.1 2"));
  CAF_CHECK_EQUAL(client.body(1000).size(), 1000u);
}

CAF_TEST(a download has the size and the digest of the file) {
  auto origin = open_origin(300'000);
  uint64_t last = 0;
  auto got = download_through(origin->local(), origin->url("file"),
                              [&](uint64_t x) { last = x; }, {});
  CAF_REQUIRE(got);
  CAF_CHECK_EQUAL(got->size, 300'000u);
  CAF_CHECK_EQUAL(last, 300'000u);
  CAF_CHECK(got->sha256 == origin->file().sha256);
  CAF_CHECK(got->time > duration::zero());
}

CAF_TEST(a download ends when it is asked to) {
  auto origin = open_origin(4'000'000, 1'000'000);
  std::stop_source stop;
  auto got = download_through(
      origin->local(), origin->url("file"),
      [&](uint64_t) { stop.request_stop(); }, stop.get_token());
  CAF_REQUIRE(!got);
  CAF_CHECK_EQUAL(got.error().code, errc::cancelled);
}

CAF_TEST(a download that the origin refuses is an error) {
  auto origin = open_origin(1000);
  auto url = "http://" + net::address_text(origin->local()) + "/nothing";
  auto got = download_through(origin->local(), url, [](uint64_t) {}, {});
  CAF_REQUIRE(!got);
  CAF_CHECK_EQUAL(got.error().code, errc::origin_refused);
  CAF_CHECK_EQUAL(got.error().detail, "the proxy answered 404 Not Found");
}

CAF_TEST(an address that is taken is named) {
  auto origin = open_origin(1000);
  auto again = demo_origin::open(origin->local(), 1000, 1000);
  CAF_REQUIRE(!again);
  CAF_CHECK_EQUAL(again.error().code, errc::address_in_use);
  CAF_CHECK(again.error().detail.find(net::address_text(origin->local()))
            != std::string::npos);
}

// -- progress -----------------------------------------------------------------

CAF_TEST(a bar is filled by what is there) {
  CAF_CHECK_EQUAL(progress_bar(0, 200, 10), "..........");
  CAF_CHECK_EQUAL(progress_bar(99, 200, 10), "####......");
  CAF_CHECK_EQUAL(progress_bar(200, 200, 10), "##########");
}

CAF_TEST(without a terminal there is a line for each quarter) {
  std::ostringstream out;
  progress x{out, false, "one device", 1'000'000};
  x.show(100'000, 100ms);
  x.show(250'000, 1s);
  x.show(260'000, 1100ms);
  x.show(1'000'000, 2s);
  x.finish();
  CAF_CHECK_EQUAL(out.str(), "one device 25 %, 2.0 Mbit/s\n"
                             "one device 100 %, 4.0 Mbit/s\n");
}

CAF_TEST(on a terminal the line is drawn over) {
  std::ostringstream out;
  progress x{out, true, "pod", 1'000'000};
  x.show(0, 0ms);
  x.show(500'000, 1s);
  x.finish();
  auto text = out.str();
  CAF_CHECK(text.starts_with("\rpod [..............................] 0 %"));
  CAF_CHECK(text.find("\rpod [###############...............] 50 %, 4.0 Mbit/s")
            != std::string::npos);
  CAF_CHECK(text.ends_with("\n"));
}
