#include "hosts/net/http_ports.hpp"
#include "hosts/net/http_watchdog.hpp"
#include "tests/hosts/scripted_origin.hpp"

#include <utility>

#define CAF_SUITE http_relay
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;

namespace {

using stream_ptr = std::shared_ptr<http_server_stream>;

struct http_relay_fixture {
  loop l;
  std::unique_ptr<http_client> http = make_http_client(l.io.get_executor());
  std::unique_ptr<http_acceptor> acceptor =
      listen_http(l.io.get_executor(), endpoint{"127.0.0.1", 0}).value();
  raw_peer_ptr client = connect_raw(l, acceptor->local());
  stream_ptr server =
      l.await<stream_ptr>([&](auto done) { acceptor->accept(done); }).value();
  std::shared_ptr<http_exchange> exchange;
  bool gone = false; ///< the client, as was noticed
  std::optional<result<response_head>> answer;
  std::optional<result<relay_totals>> totals;

  ~http_relay_fixture() {
    exchange.reset();
    server.reset();
    acceptor.reset();
    http.reset();
    client->close();
    l.settle();
  }

  /// Reads the client's request and opens it at the origin.
  void open() {
    auto head =
        l.await<request_head>([&](auto done) { server->read_request(done); });
    CAF_REQUIRE(head.has_value());
    exchange = http->open(*head, {});
  }

  /// The same for a client that is looked for at once.
  void open_watched(duration half_closed = std::chrono::minutes(1)) {
    server->watch_client({std::chrono::milliseconds(1), half_closed}, [this] {
      gone = true;
      exchange->cancel();
      server->close(true);
    });
    open();
  }

  /// The client resets its connection after half of this response.
  void reset_within(const std::string& response) {
    scripted_origin origin{l, answering(response)};
    client->send(request_line(origin, "GET") + "\r\n");
    open_watched();
    pass_head();
    server->relay_response(exchange, [this](auto x) { totals = std::move(x); });
    CAF_REQUIRE(
        l.until([&] { return client->received.find("hello") != npos; }));
    CAF_CHECK(!gone);
    client->reset();
    CAF_CHECK(l.until([&] { return totals && origin.peers[0]->ended; }));
    CAF_CHECK(gone);
    CAF_CHECK(!totals->has_value());
  }

  static constexpr auto npos = std::string::npos;

  /// Passes the response's head on.
  void pass_head() {
    auto head = read_head(l, *exchange);
    CAF_REQUIRE(head.has_value());
    auto written =
        l.await<void>([&](auto done) { server->write_head(*head, done); });
    CAF_REQUIRE(written.has_value());
  }

  result<relay_totals> relay() {
    return l.await<relay_totals>(
        [&](auto done) { server->relay_response(exchange, done); });
  }

  std::string request_line(const scripted_origin& origin,
                           const std::string& method) const {
    auto authority = "127.0.0.1:" + std::to_string(origin.port());
    return method + " http://" + authority + "/ HTTP/1.1\r\nHost: " + authority
           + "\r\n";
  }
};

/// A tunnel's outcome, as it becomes known.
struct tunnel_watch {
  bool opened = false;
  std::optional<result<relay_totals>> outcome;
};

/// Reads the CONNECT and opens a tunnel to `target`.
void open_tunnel(http_relay_fixture& f, host_port target, tunnel_watch& watch) {
  auto head =
      f.l.await<request_head>([&](auto done) { f.server->read_request(done); });
  CAF_REQUIRE(head.has_value());
  CAF_CHECK_EQUAL(head->method, "CONNECT");
  f.server->tunnel(
      std::move(target), {}, [&] { watch.opened = true; },
      [&](result<relay_totals> x) { watch.outcome = std::move(x); });
}

constexpr std::string_view connect_head =
    "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";

} // namespace

CAF_TEST_FIXTURE_SCOPE(http_relay_tests, http_relay_fixture)

CAF_TEST(a response streams from the origin to the client) {
  std::string content(3'000'000, 'x');
  scripted_origin origin{
      l, [&](raw_peer& peer) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n");
        auto sent = std::make_shared<size_t>(0);
        auto push = std::make_shared<std::function<void()>>();
        *push = [&, sent, weak = std::weak_ptr{push},
                 p = peer.weak_from_this()] {
          auto self = p.lock();
          auto again = weak.lock();
          if (!self || !again || *sent == content.size())
            return;
          self->send(std::string_view{content}.substr(*sent, 30000));
          *sent += 30000;
          asio::post(l.io, [again] { (*again)(); });
        };
        (*push)();
      }};
  client->send(request_line(origin, "GET") + "\r\n");
  open();
  pass_head();
  auto totals = relay();
  CAF_REQUIRE(totals.has_value());
  CAF_CHECK_EQUAL(totals->to_client, 3000000u);
  CAF_CHECK(server->keep_alive());
  CAF_CHECK(l.until([&] { return client->received.size() > 3000000u; }));
  CAF_CHECK(client->received.ends_with(content));
}

CAF_TEST(short responses go out whole to a client that reads late) {
  constexpr size_t count = 1000;
  std::string content(10'000, 'x');
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                   "Content-Length: 10000\r\n\r\n"
                   + content)};
  // With little room, so that the time comes when not all of one fits.
  tcp::socket socket{l.io};
  socket.open(tcp::v4());
  socket.set_option(asio::socket_base::receive_buffer_size{4096});
  socket.connect({asio::ip::address_v4::loopback(), acceptor->local().port});
  auto late = std::make_shared<raw_peer>(std::move(socket));
  auto stream =
      l.await<stream_ptr>([&](auto done) { acceptor->accept(done); }).value();
  for (size_t i = 0; i < count; ++i)
    late->send(request_line(origin, "GET") + "\r\n");
  bool reads = false;
  for (size_t i = 0; i < count; ++i) {
    auto asked =
        l.await<request_head>([&](auto done) { stream->read_request(done); });
    CAF_REQUIRE(asked.has_value());
    auto from = http->open(*asked, {});
    auto head = read_head(l, *from);
    CAF_REQUIRE(head.has_value());
    std::optional<result<relay_totals>> totals;
    stream->pass_response(*head, from, [&](auto x) { totals = std::move(x); });
    l.settle();
    if (!totals && !std::exchange(reads, true))
      late->listen();
    CAF_REQUIRE(l.until([&] { return totals.has_value(); }));
    CAF_REQUIRE(totals->has_value());
    CAF_CHECK_EQUAL((*totals)->to_client, content.size());
    CAF_CHECK(stream->keep_alive());
  }
  if (!reads)
    late->listen();
  std::string one = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    "Content-Length: 10000\r\n\r\n"
                    + content;
  CAF_REQUIRE(
      l.until([&] { return late->received.size() >= count * one.size(); }));
  for (size_t i = 0; i < count; ++i)
    CAF_CHECK(late->received.compare(i * one.size(), one.size(), one) == 0);
  stream.reset();
  late->close();
}

CAF_TEST(a response that ends early resets the client) {
  scripted_origin origin{l, [](raw_peer& peer) {
                           peer.send("HTTP/1.1 200 OK\r\n"
                                     "Content-Length: 100\r\n\r\nhello");
                           peer.close();
                         }};
  client->send(request_line(origin, "GET") + "\r\n");
  open();
  pass_head();
  CAF_CHECK(code_of_error(relay()) == errc::connection_closed);
  CAF_CHECK(!server->keep_alive());
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK(client->was_reset);
}

CAF_TEST(a chunked response that ends early has no final chunk) {
  scripted_origin origin{
      l, [](raw_peer& peer) {
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\n");
        peer.close();
      }};
  client->send(request_line(origin, "GET") + "\r\n");
  open();
  pass_head();
  CAF_CHECK(code_of_error(relay()) == errc::connection_closed);
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK(client->was_reset);
  CAF_CHECK(!client->received.ends_with("0\r\n\r\n"));
}

CAF_TEST(a client that goes away ends the exchange) {
  scripted_origin origin{l, [&](raw_peer& peer) {
                           peer.send("HTTP/1.1 200 OK\r\n"
                                     "Content-Length: 10\r\n\r\nhello");
                           client->reset();
                         }};
  client->send(request_line(origin, "GET") + "\r\n");
  open();
  auto head = read_head(l, *exchange);
  CAF_REQUIRE(head.has_value());
  l.await<void>([&](auto done) { server->write_head(*head, done); });
  CAF_CHECK(!relay().has_value());
  CAF_CHECK(l.until([&] { return origin.peers[0]->ended; }));
}

CAF_TEST(a client that resets before the answer is noticed) {
  scripted_origin origin{l};
  client->send(request_line(origin, "GET") + "\r\n");
  open_watched();
  exchange->read_head([this](auto x) { answer = std::move(x); });
  CAF_REQUIRE(l.until([&] {
    return origin.peers.size() == 1 && !origin.peers[0]->received.empty();
  }));
  client->reset();
  CAF_CHECK(l.until([&] { return answer && origin.peers[0]->ended; }));
  CAF_CHECK(gone);
}

CAF_TEST(a client that resets behind its next request is noticed) {
  scripted_origin origin{l};
  auto request = request_line(origin, "GET") + "\r\n";
  client->send(request + request);
  open_watched();
  CAF_REQUIRE(l.until([&] { return origin.peers.size() == 1; }));
  client->send(request);
  client->reset();
  CAF_CHECK(l.until([&] { return gone; }));
}

CAF_TEST(a client that resets within a quiet stream is noticed) {
  reset_within("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               "5\r\nhello\r\n");
}

CAF_TEST(a client that resets within a quiet body with a length is noticed) {
  reset_within("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello");
}

CAF_TEST(an origin is given up that is silent to a half closed client) {
  scripted_origin origin{l};
  client->send(request_line(origin, "GET") + "\r\n");
  client->half_close();
  open_watched(std::chrono::milliseconds(40));
  CAF_CHECK(l.until([&] { return gone; }));
  CAF_CHECK(l.until([&] { return client->ended; }));
}

CAF_TEST(an origin that is not silent goes on to a half closed client) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")};
  client->send(request_line(origin, "GET") + "\r\n");
  client->half_close();
  open_watched(std::chrono::milliseconds(40));
  pass_head();
  server->relay_response(exchange, [](auto) {});
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(120);
  while (std::chrono::steady_clock::now() < end && !gone) {
    auto had = client->received.size();
    origin.peers[0]->send("x");
    CAF_REQUIRE(l.until([&] { return gone || client->received.size() > had; }));
  }
  CAF_CHECK(!gone);
  CAF_CHECK(l.until([&] { return gone; }));
}

CAF_TEST(a half closed client gets its late answer) {
  scripted_origin origin{l};
  client->send(request_line(origin, "GET") + "\r\n");
  client->half_close();
  open_watched();
  CAF_REQUIRE(l.until([&] {
    return origin.peers.size() == 1 && !origin.peers[0]->received.empty();
  }));
  origin.peers[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  pass_head();
  CAF_CHECK(relay().has_value());
  CAF_CHECK(l.until([&] { return client->received.ends_with("ok"); }));
  auto next =
      l.await<request_head>([&](auto done) { server->read_request(done); });
  CAF_CHECK(code_of_error(next) == errc::connection_closed);
  CAF_CHECK(!gone);
}

CAF_TEST(a client that resets is noticed while the origin takes nothing) {
  // Connections wait here for somebody who accepts them.
  tcp::acceptor origin{l.io, tcp::v4()};
  origin.set_option(asio::socket_base::receive_buffer_size{65536});
  origin.bind({asio::ip::address_v4::loopback(), 0});
  origin.listen();
  auto host = "127.0.0.1:" + std::to_string(origin.local_endpoint().port());
  client->send("POST http://" + host + "/ HTTP/1.1\r\nHost: " + host
               + "\r\nContent-Length: 100000000\r\n\r\n");
  open_watched();
  server->relay_request(exchange, [this](auto x) { totals = std::move(x); });
  client->stream(std::string(100'000'000, 'x'));
  size_t taken = 0;
  do
    taken = client->streamed;
  while (l.until([&] { return client->streamed > taken; },
                 std::chrono::milliseconds(300)));
  CAF_CHECK(taken < 100'000'000u);
  CAF_CHECK(!gone);
  CAF_CHECK(!totals);
  client->reset();
  CAF_CHECK(l.until([&] { return gone; }, std::chrono::seconds(2)));
}

CAF_TEST(an upload goes on whose client was looked for) {
  tcp::acceptor slow{l.io, tcp::v4()};
  slow.set_option(asio::socket_base::receive_buffer_size{65536});
  slow.bind({asio::ip::address_v4::loopback(), 0});
  slow.listen();
  auto host = "127.0.0.1:" + std::to_string(slow.local_endpoint().port());
  client->send("POST http://" + host + "/ HTTP/1.1\r\nHost: " + host
               + "\r\nContent-Length: 20000000\r\n\r\n");
  open_watched(std::chrono::milliseconds(40));
  server->relay_request(exchange, [this](auto x) { totals = std::move(x); });
  client->stream(std::string(20'000'000, 'x'));
  CAF_CHECK(!l.until([&] { return totals.has_value(); },
                     std::chrono::milliseconds(300)));
  auto origin = std::make_shared<raw_peer>(slow.accept());
  origin->listen();
  CAF_REQUIRE(l.until([&] { return totals.has_value(); }));
  CAF_REQUIRE(totals->has_value());
  CAF_CHECK_EQUAL((*totals)->to_origin, 20'000'000u);
  CAF_CHECK(!gone);
  // All has come, so the client's end can be seen.
  client->half_close();
  CAF_CHECK(l.until([&] { return gone; }));
}

CAF_TEST(who was looked for is read from as ever) {
  scripted_origin origin{l};
  for (int i = 0; i < 3; ++i) {
    client->send(request_line(origin, "GET") + "\r\n");
    open_watched();
    CAF_REQUIRE(l.until([&] {
      return origin.peers.size() == 1 && !origin.peers[0]->received.empty();
    }));
    // The look has begun when a later deadline has passed.
    bool later = false;
    watchdog clock{l.io.get_executor(), [&] { later = true; }};
    clock.arm(std::chrono::milliseconds(5));
    CAF_REQUIRE(l.until([&] { return later; }));
    origin.peers[0]->received.clear();
    origin.peers[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    pass_head();
    CAF_CHECK(relay().has_value());
  }
  CAF_CHECK(!gone);
  CAF_CHECK(server->keep_alive());
}

CAF_TEST(a request body goes to the origin before the response) {
  scripted_origin origin{l, [](raw_peer& peer) {
                           if (peer.received.ends_with("\r\n0\r\n\r\n"))
                             peer.send("HTTP/1.1 200 OK\r\n"
                                       "Content-Length: 2\r\n\r\nok");
                         }};
  client->send(request_line(origin, "POST")
               + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  open();
  std::optional<result<relay_totals>> sent;
  server->relay_request(exchange,
                        [&](result<relay_totals> x) { sent = std::move(x); });
  l.settle();
  CAF_CHECK(!sent);
  client->send("6\r\n world\r\n0\r\n\r\n");
  pass_head();
  CAF_CHECK(relay().value().to_client == 2u);
  CAF_REQUIRE(l.until([&] { return sent.has_value(); }));
  CAF_CHECK_EQUAL((*sent)->to_origin, 11u);
  CAF_CHECK(server->keep_alive());
}

CAF_TEST(an origin that answers early ends the upload) {
  scripted_origin origin{
      l, answering("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")};
  client->send(request_line(origin, "POST")
               + "Content-Length: 1000000\r\n\r\nhello");
  open();
  std::optional<result<relay_totals>> sent;
  server->relay_request(exchange,
                        [&](result<relay_totals> x) { sent = std::move(x); });
  pass_head();
  CAF_CHECK(relay().value().to_client == 2u);
  CAF_REQUIRE(l.until([&] { return sent.has_value(); }));
  CAF_CHECK(!sent->has_value());
  CAF_CHECK(!server->keep_alive());
  CAF_CHECK(l.until([&] { return client->received.ends_with("no"); }));
  CAF_CHECK(client->received.find("\r\nConnection: close\r\n")
            != std::string::npos);
}

CAF_TEST(whose fault it is that an upload breaks off is known) {
  scripted_origin origin{l};
  client->send(request_line(origin, "POST")
               + "Content-Length: 1000000\r\n\r\nhello");
  open();
  server->relay_request(exchange, [this](auto x) { totals = std::move(x); });
  CAF_REQUIRE(l.until([&] {
    return origin.peers.size() == 1
           && origin.peers[0]->received.ends_with("hello");
  }));
  CAF_CHECK(!server->lost_request());
  client->reset();
  CAF_REQUIRE(l.until([&] { return totals.has_value(); }));
  CAF_CHECK(!totals->has_value());
  CAF_CHECK(server->lost_request());
}

CAF_TEST(an early answer is the last even if the rest of the request comes) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")};
  client->send(request_line(origin, "POST")
               + "Content-Length: 10\r\n\r\nhello");
  open();
  std::optional<result<relay_totals>> sent;
  server->relay_request(exchange,
                        [&](result<relay_totals> x) { sent = std::move(x); });
  pass_head();
  CAF_CHECK(l.until([&] { return client->received.ends_with("\r\n\r\n"); }));
  CAF_CHECK(client->received.find("\r\nConnection: close\r\n")
            != std::string::npos);
  std::optional<result<relay_totals>> answered;
  server->relay_response(
      exchange, [&](result<relay_totals> x) { answered = std::move(x); });
  client->send("world");
  CAF_REQUIRE(l.until([&] { return sent.has_value(); }));
  CAF_CHECK(sent->has_value());
  CAF_CHECK(origin.peers.at(0)->received.find("world") != std::string::npos
            || l.until([&] {
                 return origin.peers.at(0)->received.ends_with("world");
               }));
  origin.peers.at(0)->send("ok");
  CAF_REQUIRE(l.until([&] { return answered.has_value(); }));
  CAF_CHECK(answered->has_value());
  CAF_CHECK(!server->keep_alive());
}

CAF_TEST(an answer to a whole request does not end the connection) {
  scripted_origin origin{l, [](raw_peer& peer) {
                           if (peer.received.ends_with("hello"))
                             peer.send("HTTP/1.1 413 Too Large\r\n"
                                       "Content-Length: 0\r\n\r\n");
                         }};
  client->send(request_line(origin, "POST") + "Content-Length: 5\r\n\r\nhello");
  open();
  std::optional<result<relay_totals>> sent;
  server->relay_request(exchange,
                        [&](result<relay_totals> x) { sent = std::move(x); });
  pass_head();
  CAF_CHECK(relay().has_value());
  CAF_CHECK(server->keep_alive());
  CAF_CHECK(l.until([&] { return client->received.ends_with("\r\n\r\n"); }));
  CAF_CHECK(client->received.find("Connection:") == std::string::npos);
}

CAF_TEST(an upgraded connection carries bytes both ways) {
  scripted_origin origin{l, [](raw_peer& peer) {
                           if (!peer.take_head().empty())
                             peer.send("HTTP/1.1 101 Switching Protocols\r\n"
                                       "Connection: upgrade\r\n"
                                       "Upgrade: echo\r\n\r\nwelcome");
                           else
                             peer.send(std::exchange(peer.received, ""));
                         }};
  client->send(request_line(origin, "GET")
               + "Connection: upgrade\r\nUpgrade: echo\r\n\r\n");
  open();
  pass_head();
  std::optional<result<relay_totals>> ended;
  server->relay_response(exchange,
                         [&](result<relay_totals> x) { ended = std::move(x); });
  CAF_CHECK(l.until([&] { return client->received.ends_with("welcome"); }));
  CAF_CHECK(client->received.find("Upgrade: echo\r\n") != std::string::npos);
  client->send("ping");
  CAF_CHECK(l.until([&] { return client->received.ends_with("ping"); }));
  client->half_close();
  CAF_CHECK(l.until([&] { return origin.peers[0]->ended; }));
  CAF_CHECK(!origin.peers[0]->was_reset);
  origin.peers[0]->close();
  CAF_REQUIRE(l.until([&] { return ended.has_value(); }));
  CAF_REQUIRE(ended->has_value());
  CAF_CHECK_EQUAL((*ended)->to_origin, 4u);
  CAF_CHECK_EQUAL((*ended)->to_client, 11u);
}

CAF_TEST(a tunnel forwards early bytes and half closes) {
  scripted_origin origin{l};
  client->send(std::string{connect_head} + "early");
  tunnel_watch watch;
  open_tunnel(*this, {"127.0.0.1", origin.port()}, watch);
  CAF_REQUIRE(l.until([&] {
    return origin.peers.size() == 1 && origin.peers[0]->received == "early";
  }));
  CAF_CHECK(watch.opened);
  client->send(" and late");
  client->half_close();
  CAF_REQUIRE(l.until([&] { return origin.peers[0]->ended; }));
  CAF_CHECK_EQUAL(origin.peers[0]->received, "early and late");
  CAF_CHECK(!watch.outcome);
  origin.peers[0]->send("answer");
  origin.peers[0]->close();
  CAF_REQUIRE(l.until([&] { return watch.outcome.has_value(); }));
  CAF_REQUIRE(watch.outcome->has_value());
  CAF_CHECK_EQUAL((*watch.outcome)->to_origin, 14u);
  CAF_CHECK_EQUAL((*watch.outcome)->to_client, 6u);
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK_EQUAL(client->received,
                  "HTTP/1.1 200 Connection established\r\n\r\nanswer");
}

CAF_TEST(a tunnel that cannot be dialled writes nothing) {
  uint16_t port = 0;
  {
    scripted_origin gone{l};
    port = gone.port();
  }
  l.settle();
  client->send(connect_head);
  tunnel_watch watch;
  open_tunnel(*this, {"127.0.0.1", port}, watch);
  CAF_REQUIRE(l.until([&] { return watch.outcome.has_value(); }));
  CAF_CHECK(code_of_error(*watch.outcome) == errc::connection_refused);
  CAF_CHECK(!watch.opened);
  CAF_CHECK_EQUAL(client->received, "");
}

CAF_TEST(a reset at one end of a tunnel resets the other) {
  scripted_origin origin{l};
  client->send(connect_head);
  tunnel_watch watch;
  open_tunnel(*this, {"127.0.0.1", origin.port()}, watch);
  CAF_REQUIRE(l.until([&] { return !client->received.empty(); }));
  origin.peers.at(0)->reset();
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK(client->was_reset);
  CAF_REQUIRE(l.until([&] { return watch.outcome.has_value(); }));
  CAF_CHECK(code_of_error(*watch.outcome) == errc::connection_closed);
}

CAF_TEST(closing a connection ends its tunnel) {
  scripted_origin origin{l};
  client->send(connect_head);
  tunnel_watch watch;
  open_tunnel(*this, {"127.0.0.1", origin.port()}, watch);
  CAF_REQUIRE(l.until([&] { return !client->received.empty(); }));
  server->close(true);
  CAF_CHECK(!watch.outcome);
  CAF_REQUIRE(l.until([&] { return watch.outcome.has_value(); }));
  CAF_CHECK(code_of_error(*watch.outcome) == errc::cancelled);
  CAF_CHECK(l.until([&] { return origin.peers[0]->ended; }));
}

CAF_TEST_FIXTURE_SCOPE_END()
