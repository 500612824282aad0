#include "hosts/net/http_parse.hpp"
#include "hosts/net/http_ports.hpp"
#include "tests/hosts/scripted_origin.hpp"

#include <sys/resource.h>
#include <unistd.h>

#define CAF_SUITE tunnel
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;
using namespace std::chrono_literals;

namespace {

using stream_ptr = std::shared_ptr<http_server_stream>;
using tunnel_end = std::optional<result<relay_totals>>;

/// Text in which every piece tells its place.
std::string numbered(size_t size) {
  std::string out;
  for (size_t i = 0; out.size() < size; ++i)
    out += std::to_string(i * 7919) + ",";
  out.resize(size);
  return out;
}

/// No descriptor can be opened while this lives.
class no_descriptors {
public:
  no_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto next = ::dup(0);
    ::close(next);
    auto now = before_;
    now.rlim_cur = static_cast<rlim_t>(next);
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  ~no_descriptors() {
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  no_descriptors(const no_descriptors&) = delete;

private:
  rlimit before_{};
};

struct tunnel_fixture {
  loop l;
  std::shared_ptr<own_use> own = std::make_shared<own_use>();
  std::unique_ptr<http_client> http = make_client();
  std::unique_ptr<http_acceptor> acceptor;
  raw_peer_ptr client;
  stream_ptr server;
  std::shared_ptr<http_exchange> exchange;
  std::optional<scripted_origin> origin;
  tunnel_end ended;

  ~tunnel_fixture() {
    exchange.reset();
    server.reset();
    acceptor.reset();
    http.reset();
    if (client)
      client->close();
    origin.reset();
    l.settle();
  }

  wan_config counted() const {
    wan_config out;
    out.own = own;
    return out;
  }

  std::unique_ptr<http_client> make_client() {
    client_config config;
    config.wan = counted();
    config.allow_for_peer = [](const std::string&, uint16_t) {
      return result<void>{};
    };
    return make_http_client(l.io.get_executor(), std::move(config));
  }

  /// A client that listens only when the test says so, and its connection.
  void connect(tunnel_limits limits = {}) {
    acceptor = listen_http(l.io.get_executor(), endpoint{"127.0.0.1", 0},
                           counted(), limits)
                   .value();
    client = connect_silent(l, acceptor->local());
    server =
        l.await<stream_ptr>([&](auto done) { acceptor->accept(done); }).value();
  }

  request_head request() {
    return l.await<request_head>([&](auto done) { server->read_request(done); })
        .value();
  }

  raw_peer& far_end() {
    return *origin->peers.at(0);
  }

  /// A tunnel between the client and the far end.
  void open_tunnel(tunnel_limits limits = {}, std::string early = {}) {
    origin.emplace(l);
    connect(limits);
    client->send("CONNECT a.example:443 HTTP/1.1\r\n"
                 "Host: a.example:443\r\n\r\n"
                 + early);
    request();
    server->tunnel({"127.0.0.1", origin->port()}, {}, nullptr,
                   [&](result<relay_totals> x) { ended = std::move(x); });
    CAF_REQUIRE(l.until([&] { return origin->peers.size() == 1; }));
  }

  /// The far end sends as much of `bytes` as leaves it while nobody reads: so
  /// many.
  size_t stream_until_held_back(std::string bytes) {
    client->keep_little();
    far_end().stream(std::move(bytes));
    CAF_REQUIRE(l.until([&] { return far_end().streamed > 0; }));
    for (size_t before = 0; before != far_end().streamed;) {
      before = far_end().streamed;
      pass(50ms);
    }
    return far_end().streamed;
  }

  /// The client's request at an origin that does what `script` says.
  void open(std::function<void(raw_peer&)> script,
            const std::string& version = "1.1", exchange_options options = {}) {
    origin.emplace(l, std::move(script));
    connect();
    ask(version, options);
  }

  void ask(const std::string& version = "1.1", exchange_options options = {}) {
    auto authority = "127.0.0.1:" + std::to_string(origin->port());
    client->send("GET http://" + authority + "/ HTTP/" + version
                 + "\r\nHost: " + authority + "\r\n\r\n");
    exchange = http->open(request(), options);
    auto head = read_head(l, *exchange);
    CAF_REQUIRE(head.has_value());
    l.await<void>([&](auto done) { server->write_head(*head, done); });
    ended.reset();
    server->relay_response(
        exchange, [&](result<relay_totals> x) { ended = std::move(x); });
  }

  bool has_ended() {
    return l.until([&] { return ended.has_value(); });
  }

  /// What the client has received behind the head.
  std::string_view body() const {
    auto all = std::string_view{client->received};
    auto end = all.find("\r\n\r\n");
    return end == std::string_view::npos ? "" : all.substr(end + 4);
  }

  size_t body_size() const {
    return body().size();
  }

  /// Runs the loop for as long as a limit needs to pass.
  void pass(std::chrono::milliseconds time) {
    l.until([] { return false; }, time);
  }
};

/// Answers once with `head` and then `body`, without waiting for its reader.
std::function<void(raw_peer&)> streaming(std::string head, std::string body) {
  return [=](raw_peer& peer) {
    if (!peer.take_head().empty())
      peer.stream(head + "\r\n\r\n" + body);
  };
}

std::string decoded(std::string_view body) {
  std::string chunks{body};
  chunk_decoder decoder{padding::refused};
  auto step = decoder.decode(chunks);
  CAF_REQUIRE(step.has_value());
  CAF_CHECK(step->last);
  CAF_CHECK_EQUAL(step->consumed, chunks.size());
  return chunks.substr(step->body_offset, step->body_size);
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(tunnel_tests, tunnel_fixture)

// -- tunnels ------------------------------------------------------------------

CAF_TEST(a tunnel carries many bytes both ways at a time) {
  open_tunnel();
  client->listen();
  auto there = numbered(9'000'001);
  auto back = numbered(7'000'003);
  std::reverse(back.begin(), back.end());
  CAF_REQUIRE(l.until([&] { return !client->received.empty(); }));
  client->stream(there);
  far_end().stream(back);
  CAF_REQUIRE(l.until([&] {
    return far_end().received.size() >= there.size()
           && body_size() >= back.size();
  }));
  CAF_CHECK(far_end().received == there);
  CAF_CHECK(body() == back);
  client->half_close();
  CAF_REQUIRE(l.until([&] { return far_end().ended; }));
  CAF_CHECK(!ended);
  far_end().half_close();
  CAF_REQUIRE(has_ended());
  CAF_REQUIRE(ended->has_value());
  CAF_CHECK_EQUAL((*ended)->to_origin, there.size());
  CAF_CHECK_EQUAL((*ended)->to_client, back.size());
}

CAF_TEST(early bytes of a tunnel come first) {
  auto early = numbered(6'000);
  open_tunnel({}, early);
  client->send("later");
  CAF_REQUIRE(
      l.until([&] { return far_end().received.size() >= early.size() + 5; }));
  CAF_CHECK(far_end().received == early + "later");
}

CAF_TEST(a tunnel goes on after the origin has ended its side) {
  open_tunnel();
  client->listen();
  far_end().send("bye");
  far_end().half_close();
  CAF_REQUIRE(l.until([&] { return client->ended; }));
  CAF_CHECK(!client->was_reset);
  CAF_CHECK_EQUAL(body(), "bye");
  auto more = numbered(1'000'000);
  client->stream(more);
  CAF_REQUIRE(
      l.until([&] { return far_end().received.size() >= more.size(); }));
  CAF_CHECK(far_end().received == more);
  CAF_CHECK(!ended);
  client->half_close();
  CAF_REQUIRE(has_ended());
  CAF_CHECK(ended->has_value());
  CAF_CHECK(!far_end().was_reset);
}

CAF_TEST(a slow client holds a tunnel back and misses nothing) {
  open_tunnel();
  auto all = numbered(100'000'000);
  CAF_CHECK(stream_until_held_back(all) < all.size() / 2);
  client->send("still there");
  CAF_REQUIRE(l.until([&] { return !far_end().received.empty(); }));
  client->listen();
  CAF_REQUIRE(l.until([&] { return body_size() >= all.size(); }, 30s));
  CAF_CHECK(body() == all);
}

CAF_TEST(a reset passes a client that does not read) {
  open_tunnel();
  stream_until_held_back(numbered(64'000'000));
  far_end().reset();
  CAF_REQUIRE(has_ended());
  CAF_CHECK(code_of_error(*ended) == errc::connection_closed);
  client->listen();
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK(client->was_reset);
}

CAF_TEST(a client that resets its tunnel resets the origin) {
  open_tunnel();
  client->send("hello");
  CAF_REQUIRE(l.until([&] { return far_end().received == "hello"; }));
  client->reset();
  CAF_REQUIRE(has_ended());
  CAF_CHECK(code_of_error(*ended) == errc::connection_closed);
  CAF_CHECK(l.until([&] { return far_end().ended; }));
  CAF_CHECK(far_end().was_reset);
}

CAF_TEST(a quiet tunnel is reset at its limit) {
  open_tunnel({.idle = 300ms});
  client->listen();
  for (int i = 0; i < 5; ++i) {
    client->send("x");
    pass(100ms);
  }
  CAF_CHECK(!ended);
  CAF_REQUIRE(has_ended());
  CAF_CHECK(code_of_error(*ended) == errc::timed_out);
  CAF_CHECK(ended->error().detail.find("tunnel-idle") != std::string::npos);
  CAF_CHECK(l.until([&] { return client->ended && far_end().ended; }));
  CAF_CHECK(client->was_reset);
  CAF_CHECK(far_end().was_reset);
}

CAF_TEST(a busy tunnel is reset when its whole time is over) {
  open_tunnel({.idle = 10min, .total = 300ms});
  client->listen();
  CAF_REQUIRE(l.until([&] {
    client->try_send("x");
    return ended.has_value();
  }));
  CAF_CHECK(code_of_error(*ended) == errc::timed_out);
  CAF_CHECK(ended->error().detail.find("tunnel-total") != std::string::npos);
}

CAF_TEST(a tunnel works without descriptors for pipes) {
  open_tunnel();
  client->listen();
  CAF_REQUIRE(l.until([&] { return !client->received.empty(); }));
  no_descriptors none;
  auto all = numbered(5'000'000);
  far_end().stream(all);
  CAF_REQUIRE(l.until([&] { return body_size() >= all.size(); }));
  CAF_CHECK(body() == all);
}

// -- own use ------------------------------------------------------------------

CAF_TEST(what a tunnel brings is own use and what it sends is not ) {
  open_tunnel();
  client->listen();
  CAF_REQUIRE(l.until([&] { return !client->received.empty(); }));
  auto back = numbered(3'000'000);
  client->stream(numbered(1'000'000));
  far_end().stream(back);
  CAF_REQUIRE(l.until([&] {
    return far_end().received.size() == 1'000'000u
           && body_size() == back.size();
  }));
  CAF_CHECK_EQUAL(own->bytes(), back.size());
  far_end().close();
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK_EQUAL(own->bytes(), back.size());
}

CAF_TEST(the response to a client is own use and one to a peer is not ) {
  std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 300001";
  for (bool for_peer : {false, true}) {
    auto before = own->bytes();
    exchange_options options;
    options.for_peer = for_peer;
    open(streaming(head, numbered(300'001)), "1.1", options);
    client->listen();
    CAF_REQUIRE(has_ended());
    CAF_REQUIRE(ended->has_value());
    CAF_CHECK_EQUAL(own->bytes() - before,
                    for_peer ? 0u : head.size() + 4 + 300'001);
    exchange.reset();
    client->close();
    l.settle();
  }
}

// -- bodies -------------------------------------------------------------------

CAF_TEST(large bodies end where they should on kept connections) {
  auto all = numbered(3'000'001);
  open(streaming("HTTP/1.1 200 OK\r\nContent-Length: 3000001", all));
  client->listen();
  for (int i = 0; i < 3; ++i) {
    CAF_REQUIRE(has_ended());
    CAF_REQUIRE(ended->has_value());
    CAF_CHECK_EQUAL((*ended)->to_client, all.size());
    CAF_CHECK_EQUAL(exchange->received(), all.size());
    CAF_CHECK(server->keep_alive());
    CAF_REQUIRE(l.until([&] { return body_size() >= all.size(); }));
    CAF_CHECK(body() == all);
    client->received.clear();
    if (i < 2)
      ask();
  }
  CAF_CHECK_EQUAL(origin->peers.size(), 1u);
}

CAF_TEST(bytes behind a large body are not passed on) {
  auto all = numbered(500'000);
  open(streaming("HTTP/1.1 200 OK\r\nContent-Length: 500000",
                 all + "HTTP/1.1 200 OK\r\n\r\nsmuggled"));
  client->listen();
  CAF_REQUIRE(has_ended());
  CAF_CHECK_EQUAL(ended->value().to_client, all.size());
  CAF_REQUIRE(l.until([&] { return body_size() >= all.size(); }));
  l.settle();
  CAF_CHECK(body() == all);
  client->received.clear();
  ask();
  CAF_REQUIRE(has_ended());
  CAF_REQUIRE(l.until([&] { return body_size() >= all.size(); }));
  CAF_CHECK(body() == all);
  CAF_CHECK_EQUAL(origin->peers.size(), 2u);
}

CAF_TEST(a large body that ends early resets the client) {
  open([&](raw_peer& peer) {
    peer.take_head();
    peer.stream("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
                + numbered(600'000));
  });
  client->listen();
  CAF_REQUIRE(l.until([&] { return body_size() == 600'000u; }));
  CAF_CHECK(!ended);
  far_end().close();
  CAF_REQUIRE(has_ended());
  CAF_CHECK(code_of_error(*ended) == errc::connection_closed);
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK(client->was_reset);
}

CAF_TEST(a large body without a length is chunked) {
  auto all = numbered(2'000'003);
  open(streaming("HTTP/1.1 200 OK", all));
  client->listen();
  CAF_REQUIRE(l.until([&] { return far_end().streamed > all.size(); }));
  far_end().close();
  CAF_REQUIRE(has_ended());
  CAF_CHECK_EQUAL(ended->value().to_client, all.size());
  CAF_CHECK(server->keep_alive());
  CAF_REQUIRE(l.until([&] { return body().ends_with("\r\n0\r\n\r\n"); }));
  CAF_CHECK(decoded(body()) == all);
}

CAF_TEST(a large body without a length ends an old client connection) {
  auto all = numbered(2'000'003);
  open(streaming("HTTP/1.1 200 OK", all), "1.0");
  client->listen();
  CAF_REQUIRE(l.until([&] { return far_end().streamed > all.size(); }));
  far_end().close();
  CAF_REQUIRE(has_ended());
  CAF_CHECK(!server->keep_alive());
  server->close(false);
  CAF_REQUIRE(l.until([&] { return client->ended; }));
  CAF_CHECK(!client->was_reset);
  CAF_CHECK(body() == all);
}

CAF_TEST(an origin that pauses too long within a large body fails) {
  exchange_options options;
  options.idle_timeout = 200ms;
  open(
      [](raw_peer& peer) {
        peer.take_head();
        peer.stream("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
                    + numbered(600'000));
      },
      "1.1", options);
  client->listen();
  CAF_REQUIRE(has_ended());
  CAF_CHECK(code_of_error(*ended) == errc::timed_out);
}

CAF_TEST(a client that reads late gets all of a large body) {
  exchange_options options;
  options.idle_timeout = 200ms;
  auto all = numbered(30'000'000);
  open(streaming("HTTP/1.1 200 OK\r\nContent-Length: 30000000", all), "1.1",
       options);
  pass(600ms);
  CAF_CHECK(!ended);
  CAF_CHECK(far_end().streamed < all.size());
  client->listen();
  CAF_REQUIRE(has_ended());
  CAF_CHECK_EQUAL(ended->value().to_client, all.size());
  CAF_REQUIRE(l.until([&] { return body_size() >= all.size(); }, 30s));
  CAF_CHECK(body() == all);
}

CAF_TEST(calling an exchange off ends its large body) {
  open([](raw_peer& peer) {
    peer.take_head();
    peer.stream("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
                + numbered(600'000));
  });
  client->listen();
  CAF_REQUIRE(l.until([&] { return body_size() == 600'000u; }));
  exchange->cancel();
  CAF_REQUIRE(has_ended());
  CAF_CHECK(code_of_error(*ended) == errc::cancelled);
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK(client->was_reset);
}

CAF_TEST_FIXTURE_SCOPE_END()
