#include "actors/feed.hpp"
#include "hosts/common/control_client.hpp"
#include "hosts/common/feed_stream.hpp"
#include "tests/hosts/control_fixture.hpp"

#include <atomic>

#define CAF_SUITE control_streams
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

using net::control_limits;
using net::control_reply;
using net::control_request;
using net::test::contains;
using net::test::slow_reader;

using text_feed = feed<std::string>;

struct control_streams_fixture : net::test::control_fixture {
  std::shared_ptr<text_feed> source = std::make_shared<text_feed>(8);
  std::shared_ptr<text_feed> other = std::make_shared<text_feed>(8);
  loss_counter lost = std::make_shared<std::atomic<uint64_t>>(0);

  ~control_streams_fixture() {
    // Before what the connections hold.
    stop();
  }

  /// `/stream` and `/other` give the feeds, everything else an answer.
  void serve(control_limits limits = {}) {
    start(
        [this](control_request x, control_reply reply) {
          if (x.target != "/stream" && x.target != "/other")
            return echo(std::move(x), std::move(reply));
          net::control_response out{200, "text/event-stream", ""};
          out.stream = std::make_unique<feed_stream<std::string>>(
              x.target == "/stream" ? source : other,
              +[](const std::string& y) { return sse_event("x", y); },
              "farewell", lost);
          reply(std::move(out));
        },
        limits);
  }

  slow_reader open(std::string_view target = "/stream") {
    return {path, slow_reader::get(target)};
  }

  bool answers() {
    auto got = ask_daemon(path, {"GET", "/plain", ""});
    return got && got->body == "GET /plain ";
  }

  /// Waits until nobody but this test holds the feed.
  bool is_let_go() {
    auto deadline = std::chrono::steady_clock::now() + 10s;
    while (source.use_count() > 1)
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      else
        std::this_thread::yield();
    return true;
  }
};

/// What was sent in chunks, put together (RFC 9112, 7.1).
std::string dechunked(std::string_view text) {
  std::string out;
  text.remove_prefix(text.find("\r\n\r\n") + 4);
  while (!text.empty()) {
    auto size =
        std::stoul(std::string{text.substr(0, text.find('\r'))}, nullptr, 16);
    text.remove_prefix(text.find('\n') + 1);
    out += text.substr(0, size);
    text.remove_prefix(size + 2);
  }
  return out;
}

uint64_t occurrences(std::string_view text, std::string_view part) {
  uint64_t out = 0;
  for (size_t at = 0; (at = text.find(part, at)) != text.npos;
       at += part.size())
    ++out;
  return out;
}

/// What all events of kind `dropped` say together.
uint64_t dropped_in(const std::string& text) {
  const std::string mark = "event: dropped\ndata: {\"count\":";
  uint64_t out = 0;
  for (size_t at = 0; (at = text.find(mark, at)) != text.npos;)
    out += std::stoul(text.substr(at += mark.size()));
  return out;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(control_stream_tests, control_streams_fixture)

CAF_TEST(a stream gives what is there and what comes later until it ends) {
  serve();
  source->put("1");
  auto client = open();
  CAF_CHECK(client.read_until("data: 1\n"));
  CAF_CHECK(contains(client.text, "Content-Type: text/event-stream\r\n"));
  CAF_CHECK(contains(client.text, "Transfer-Encoding: chunked\r\n"));
  CAF_CHECK(contains(client.text, "Cache-Control: no-store\r\n"));
  source->put("2");
  CAF_CHECK(client.read_until("data: 2\n"));
  source->end();
  CAF_CHECK(client.read_to_end());
  CAF_CHECK_EQUAL(dechunked(client.text),
                  "event: x\ndata: 1\n\nevent: x\ndata: 2\n\nfarewell");
  CAF_CHECK(client.text.ends_with("\r\n0\r\n\r\n"));
}

CAF_TEST(
    a client without chunks gets the stream up to the end of the connection) {
  serve();
  source->put("1");
  source->end();
  slow_reader client{path, "GET /stream HTTP/1.0\r\n\r\n"};
  CAF_CHECK(client.read_to_end());
  CAF_CHECK(!contains(client.text, "chunked"));
  CAF_CHECK(client.text.ends_with("\r\n\r\nevent: x\ndata: 1\n\nfarewell"));
}

CAF_TEST(the head of a stream can be asked for) {
  serve();
  slow_reader client{path, "HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n"};
  CAF_CHECK(client.read_to_end());
  CAF_CHECK(client.text.ends_with("\r\n\r\n"));
  CAF_CHECK(is_let_go());
}

CAF_TEST(a reader that is slow loses items and is told how many) {
  serve();
  auto client = open();
  CAF_CHECK(client.read_until("\r\n\r\n"));
  // Far more than sockets and the feed hold.
  constexpr uint64_t count = 64;
  std::string large(64 << 10, 'x');
  for (uint64_t i = 0; i < count; ++i) {
    source->put(large);
    CAF_CHECK(answers());
  }
  source->end();
  CAF_CHECK(client.read_to_end());
  auto text = dechunked(client.text);
  auto came = occurrences(text, "event: x\n");
  CAF_CHECK_EQUAL(occurrences(text, large), came);
  CAF_CHECK(*lost > 0);
  CAF_CHECK_EQUAL(came + *lost, count);
  CAF_CHECK_EQUAL(dropped_in(text), lost->load());
}

CAF_TEST(a reader that takes nothing is closed and disturbs nobody) {
  control_limits limits;
  limits.silence = 1s;
  serve(limits);
  auto stuck = open();
  CAF_CHECK(stuck.read_until("\r\n\r\n"));
  std::string large(64 << 10, 'x');
  auto deadline = std::chrono::steady_clock::now() + 20s;
  while (source.use_count() > 1
         && std::chrono::steady_clock::now() < deadline) {
    source->put(large);
    CAF_REQUIRE(answers());
  }
  CAF_CHECK(is_let_go());
  CAF_CHECK(stuck.read_to_end());
}

CAF_TEST(a stream that is silent shows signs of life) {
  control_limits limits;
  limits.heartbeat = 20ms;
  serve(limits);
  auto client = open();
  std::string beat = "3\r\n:\n\n\r\n";
  CAF_CHECK(client.read_until("\r\n\r\n" + beat + beat + beat + beat));
  source->put("1");
  CAF_CHECK(client.read_until("data: 1\n"));
}

CAF_TEST(the feed of a client that has gone is let go at once) {
  serve();
  {
    auto client = open();
    CAF_CHECK(client.read_until("\r\n\r\n"));
    CAF_CHECK_EQUAL(source.use_count(), 2);
  }
  CAF_CHECK(is_let_go());
}

CAF_TEST(a client that talks on during a stream is not listened to) {
  serve();
  slow_reader client{path,
                     slow_reader::get("/stream") + slow_reader::get("/plain")};
  source->put("1");
  CAF_CHECK(client.read_until("data: 1\n"));
  source->end();
  CAF_CHECK(client.read_to_end());
  CAF_CHECK(!contains(client.text, "/plain"));
}

CAF_TEST(streams leave connections to those who only ask) {
  control_limits limits;
  limits.connections = 3;
  limits.streams = 2;
  serve(limits);
  auto first = open();
  auto second = open("/other");
  CAF_CHECK(first.read_until("\r\n\r\n"));
  CAF_CHECK(second.read_until("\r\n\r\n"));
  auto refused = raw("GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n");
  CAF_CHECK(contains(refused, "503"));
  CAF_CHECK(contains(refused, "{\"error\":\"too many streams"));
  auto deadline = std::chrono::steady_clock::now() + 5s;
  while (!answers() && std::chrono::steady_clock::now() < deadline) {
  }
  CAF_CHECK(answers());
  source->end();
  other->end();
  CAF_CHECK(first.read_to_end());
  CAF_CHECK(second.read_to_end());
  CAF_CHECK(is_let_go());
  auto third = open();
  CAF_CHECK(third.read_to_end());
  CAF_CHECK(contains(third.text, "200 OK"));
}

CAF_TEST(a server that stops closes its streams) {
  serve();
  auto client = open();
  CAF_CHECK(client.read_until("\r\n\r\n"));
  stop();
  CAF_CHECK(client.read_to_end());
  CAF_CHECK_EQUAL(source.use_count(), 1);
  source->put("nobody is there");
}

CAF_TEST_FIXTURE_SCOPE_END()
