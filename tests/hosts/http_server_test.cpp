#include "hosts/net/http_ports.hpp"
#include "tests/hosts/scripted_origin.hpp"

#define CAF_SUITE http_server
#include <optional>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;

namespace {

using stream_ptr = std::shared_ptr<http_server_stream>;

struct http_server_fixture {
  loop l;
  std::unique_ptr<http_acceptor> acceptor =
      listen_http(l.io.get_executor(), endpoint{"127.0.0.1", 0}).value();
  raw_peer_ptr client = connect_raw(l, acceptor->local());
  stream_ptr server =
      l.await<stream_ptr>([&](auto done) { acceptor->accept(done); }).value();

  ~http_server_fixture() {
    server.reset();
    acceptor.reset();
    client->close();
    l.settle();
  }

  result<request_head> read_request() {
    return l.await<request_head>(
        [&](auto done) { server->read_request(done); });
  }

  result<std::string> read_body() {
    std::string out;
    while (true) {
      auto part = l.await<body_part>(
          [&](auto done) { server->read_body(65536, done); });
      if (!part)
        return part.error();
      out += part->bytes.text();
      if (part->last)
        return out;
    }
  }

  result<void> write_head(response_head head) {
    return l.await<void>([&](auto done) { server->write_head(head, done); });
  }

  result<void> write_body(std::string_view text, bool last) {
    body_parts parts{slice{text}, last};
    return l.await<void>([&](auto done) { server->write_body(parts, done); });
  }

  /// Answers 200 with `text`, in the given framing.
  void answer(std::string_view text, body_framing framing) {
    response_head head;
    head.status = 200;
    head.reason = "OK";
    head.framing = framing;
    if (framing == body_framing::length)
      head.content_length = text.size();
    CAF_REQUIRE(write_head(head).has_value());
    CAF_REQUIRE(write_body(text, true).has_value());
  }

  /// What the client has received, once it ends in `end`.
  std::string client_gets(std::string_view end) {
    l.until([&] { return client->received.ends_with(end); });
    return std::exchange(client->received, "");
  }
};

constexpr std::string_view plain_get =
    "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";

constexpr std::string_view post =
    "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n";

} // namespace

CAF_TEST_FIXTURE_SCOPE(http_server_tests, http_server_fixture)

CAF_TEST(requests follow each other on one connection) {
  for (int i = 0; i < 3; ++i) {
    client->send(plain_get);
    auto head = read_request();
    CAF_REQUIRE(head.has_value());
    CAF_CHECK_EQUAL(head->target.host, "a.example");
    answer("hello", body_framing::length);
    CAF_CHECK(server->keep_alive());
    CAF_CHECK_EQUAL(without_date(client_gets("hello")),
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  }
}

CAF_TEST(pipelined requests wait for their turn) {
  client->send(std::string{plain_get} + std::string{plain_get});
  CAF_REQUIRE(read_request().has_value());
  answer("1", body_framing::length);
  CAF_REQUIRE(read_request().has_value());
  answer("2", body_framing::length);
  CAF_CHECK(client_gets("\r\n\r\n2").find("\r\n\r\n1HTTP/1.1")
            != std::string::npos);
}

CAF_TEST(a request may arrive in small pieces) {
  client->send("\r\nGET http://a.example/ HT");
  int calls = 0;
  server->read_request([&](const result<request_head>& head) {
    ++calls;
    CAF_CHECK(head.has_value());
  });
  l.settle();
  CAF_CHECK_EQUAL(calls, 0);
  client->send("TP/1.1\r\nHost: a.example\r\n\r");
  l.settle();
  CAF_CHECK_EQUAL(calls, 0);
  client->send("\n");
  CAF_CHECK(l.until([&] { return calls == 1; }));
}

CAF_TEST(a malformed request can still be answered) {
  client->send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
               "Transfer-Encoding: chunked\r\n\r\n");
  auto head = read_request();
  CAF_REQUIRE(!head.has_value());
  CAF_CHECK(head.error().code == errc::bad_http);
  CAF_CHECK(head.error().detail.starts_with("400 "));
  answer("bad", body_framing::length);
  CAF_CHECK(client_gets("bad").find("Connection: close\r\n")
            != std::string::npos);
  CAF_CHECK(!server->keep_alive());
}

CAF_TEST(a client that ends between requests is told apart) {
  client->half_close();
  CAF_CHECK(code_of_error(read_request()) == errc::connection_closed);
}

CAF_TEST(request bodies lose their framing) {
  client->send(std::string{post} + "Content-Length: 5\r\n\r\nhello");
  CAF_CHECK(read_request().value().framing == body_framing::length);
  CAF_CHECK_EQUAL(read_body().value(), "hello");
  answer("", body_framing::length);
  CAF_CHECK(server->keep_alive());
  client->send(std::string{post} + "Transfer-Encoding: chunked\r\n\r\n"
               + "3\r\nabc\r\n0\r\n\r\n");
  CAF_CHECK(read_request().value().framing == body_framing::chunked);
  CAF_CHECK_EQUAL(read_body().value(), "abc");
}

CAF_TEST(a bad chunk is the fault of the client) {
  client->send(std::string{post} + "Transfer-Encoding: chunked\r\n\r\nzz\r\n");
  CAF_REQUIRE(read_request().has_value());
  auto body = read_body();
  CAF_REQUIRE(!body.has_value());
  CAF_CHECK(body.error().code == errc::bad_http);
  CAF_CHECK(body.error().detail.starts_with("400 "));
}

CAF_TEST(a request body that ends early is an error) {
  client->send(std::string{post} + "Content-Length: 5\r\n\r\nhel");
  client->half_close();
  CAF_REQUIRE(read_request().has_value());
  CAF_CHECK(code_of_error(read_body()) == errc::connection_closed);
}

CAF_TEST(a client that expects it is told to continue when its body is read) {
  client->send(std::string{post}
               + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  CAF_REQUIRE(read_request().has_value());
  l.settle();
  CAF_CHECK_EQUAL(client->received, "");
  std::optional<std::string> got;
  server->read_body(100, [&](result<body_part> part) {
    got = std::string{part->bytes.text()};
  });
  CAF_CHECK_EQUAL(client_gets("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client->send("hello");
  CAF_CHECK(l.until([&] { return got.has_value(); }));
  CAF_CHECK_EQUAL(*got, "hello");
}

CAF_TEST(a connection with an unread request body ends) {
  client->send(std::string{post}
               + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  CAF_REQUIRE(read_request().has_value());
  answer("no", body_framing::length);
  CAF_CHECK(!server->keep_alive());
  CAF_CHECK(client_gets("no").find("Connection: close") != std::string::npos);
  CAF_CHECK(code_of_error(read_request()) == errc::connection_closed);
}

CAF_TEST(a body of unknown length is chunked and keeps the connection) {
  client->send(plain_get);
  CAF_REQUIRE(read_request().has_value());
  answer("hello", body_framing::until_close);
  CAF_CHECK_EQUAL(without_date(client_gets("0\r\n\r\n")),
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\n0\r\n\r\n");
  CAF_CHECK(server->keep_alive());
}

CAF_TEST(an old client reads a body of unknown length to the end) {
  client->send("GET http://a.example/ HTTP/1.0\r\n"
               "Connection: keep-alive\r\n\r\n");
  CAF_CHECK(read_request().value().version == 10u);
  answer("hello", body_framing::chunked);
  CAF_CHECK_EQUAL(without_date(client_gets("hello")),
                  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  CAF_CHECK(!server->keep_alive());
}

CAF_TEST(an old client may keep its connection) {
  client->send("GET http://a.example/ HTTP/1.0\r\n"
               "Connection: keep-alive\r\n\r\n");
  CAF_REQUIRE(read_request().has_value());
  answer("hello", body_framing::length);
  CAF_CHECK(client_gets("hello").find("Connection: keep-alive\r\n")
            != std::string::npos);
  CAF_CHECK(server->keep_alive());
}

CAF_TEST(responses without a body have none) {
  client->send("HEAD http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CAF_REQUIRE(read_request().has_value());
  response_head head;
  head.status = 200;
  head.reason = "OK";
  head.content_length = 99;
  CAF_REQUIRE(write_head(head).has_value());
  CAF_CHECK_EQUAL(without_date(client_gets("\r\n\r\n")),
                  "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
  CAF_CHECK(server->keep_alive());
  client->send(plain_get);
  CAF_REQUIRE(read_request().has_value());
  head.status = 204;
  head.reason = "No Content";
  CAF_REQUIRE(write_head(head).has_value());
  CAF_CHECK_EQUAL(without_date(client_gets("\r\n\r\n")),
                  "HTTP/1.1 204 No Content\r\n\r\n");
  CAF_CHECK(server->keep_alive());
}

CAF_TEST(the date of an origin is left as it is) {
  for (const auto* date : {"Sun, 06 Nov 1994 08:49:37 GMT", "yesterday"}) {
    client->send(plain_get);
    CAF_REQUIRE(read_request().has_value());
    response_head head;
    head.status = 404;
    head.reason = "Not Found";
    head.fields.add("date", date);
    head.framing = body_framing::length;
    head.content_length = 0;
    CAF_REQUIRE(write_head(head).has_value());
    CAF_REQUIRE(write_body("", true).has_value());
    CAF_CHECK_EQUAL(client_gets("\r\n\r\n"),
                    std::string{"HTTP/1.1 404 Not Found\r\ndate: "} + date
                        + "\r\nContent-Length: 0\r\n\r\n");
  }
}

CAF_TEST(an interim response gets no date) {
  client->send(plain_get);
  CAF_REQUIRE(read_request().has_value());
  response_head head;
  head.status = 103;
  head.reason = "Early Hints";
  CAF_REQUIRE(write_head(head).has_value());
  CAF_CHECK_EQUAL(client_gets("\r\n\r\n"), "HTTP/1.1 103 Early Hints\r\n\r\n");
  answer("", body_framing::length);
  CAF_CHECK_EQUAL(without_date(client_gets("\r\n\r\n")),
                  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

CAF_TEST(an answer that demands an upgrade says to which protocol) {
  response_head head;
  head.status = 426;
  head.reason = "Upgrade Required";
  head.fields = {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}};
  head.framing = body_framing::length;
  head.content_length = 0;
  auto ask = [&](const std::string& fields) {
    client->send("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n"
                 + fields + "\r\n");
    CAF_REQUIRE(read_request().has_value());
    CAF_REQUIRE(write_head(head).has_value());
    CAF_REQUIRE(write_body("", true).has_value());
    return without_date(client_gets("\r\n\r\n"));
  };
  const std::string begin = "HTTP/1.1 426 Upgrade Required\r\n"
                            "Upgrade: websocket\r\nContent-Length: 0\r\n";
  CAF_CHECK_EQUAL(ask(""), begin + "Connection: Upgrade\r\n\r\n");
  CAF_CHECK(server->keep_alive());
  CAF_CHECK_EQUAL(ask("Connection: close\r\n"),
                  begin + "Connection: close, Upgrade\r\n\r\n");
  CAF_CHECK(!server->keep_alive());
}

CAF_TEST(an aborted response is seen as a reset) {
  client->send(plain_get);
  CAF_REQUIRE(read_request().has_value());
  response_head head;
  head.status = 200;
  head.framing = body_framing::length;
  head.content_length = 10;
  CAF_REQUIRE(write_head(head).has_value());
  CAF_REQUIRE(write_body("hello", false).has_value());
  server->close(true);
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK(client->was_reset);
}

CAF_TEST(a closed connection ends in good order) {
  client->send(plain_get);
  CAF_REQUIRE(read_request().has_value());
  answer("hello", body_framing::length);
  server->close(false);
  CAF_CHECK(l.until([&] { return client->ended; }));
  CAF_CHECK(!client->was_reset);
  CAF_CHECK(client->received.ends_with("hello"));
}

CAF_TEST(closing calls each handler once and never from within) {
  int calls = 0;
  errc code{};
  server->read_request([&](const result<request_head>& head) {
    ++calls;
    code = head.error().code;
  });
  l.settle();
  server->close(true);
  CAF_CHECK_EQUAL(calls, 0);
  CAF_CHECK(l.until([&] { return calls > 0; }));
  l.settle();
  CAF_CHECK_EQUAL(calls, 1);
  CAF_CHECK(code == errc::cancelled);
}

CAF_TEST(an acceptor calls its handler when it goes) {
  std::optional<errc> code;
  acceptor->accept([&](const result<stream_ptr>& x) { code = x.error().code; });
  acceptor.reset();
  CAF_CHECK(!code);
  CAF_CHECK(l.until([&] { return code.has_value(); }));
  CAF_CHECK(*code == errc::cancelled);
}

CAF_TEST(a taken address is reported with what to do) {
  auto again = listen_http(l.io.get_executor(), acceptor->local());
  CAF_REQUIRE(!again.has_value());
  CAF_CHECK(again.error().code == errc::address_in_use);
  CAF_CHECK(again.error().detail.find("set [proxy] listen")
            != std::string::npos);
  auto name = listen_http(l.io.get_executor(), endpoint{"localhost", 0});
  CAF_CHECK(code_of_error(name) == errc::bad_config);
}

// -- limits -------------------------------------------------------------------

CAF_TEST(a client is turned away with the time to come back) {
  client->send(plain_get);
  server->turn_away("it is full");
  server.reset();
  l.until([&] { return client->ended; });
  CAF_CHECK(
      client->received.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  CAF_CHECK(client->received.find("\r\nRetry-After: 1\r\n")
            != std::string::npos);
  CAF_CHECK(client->received.find("\r\nProxy-Status: PeaPod; "
                                  "error=connection_limit_reached; "
                                  "details=\"it is full\"\r\n")
            != std::string::npos);
  CAF_CHECK(client->received.find("it is full.") != std::string::npos);
  CAF_CHECK(without_date(client->received).starts_with("HTTP/1.1 503 "));
}

CAF_TEST(a kept - alive connection makes room and a busy one does not ) {
  client->send(plain_get);
  CAF_REQUIRE(read_request().has_value());
  CAF_CHECK(!acceptor->close_idle());
  answer("1", body_framing::length);
  std::optional<result<request_head>> next;
  server->read_request([&](auto outcome) { next = std::move(outcome); });
  CAF_CHECK(acceptor->close_idle());
  CAF_CHECK(!acceptor->close_idle());
  l.until([&] { return next.has_value() && client->ended; });
  CAF_CHECK(!next->has_value());
}

CAF_TEST(a connection that has asked nothing yet does not make room) {
  std::optional<result<request_head>> first;
  server->read_request([&](auto outcome) { first = std::move(outcome); });
  CAF_CHECK(!acceptor->close_idle());
  server->close(true);
  l.until([&] { return first.has_value(); });
}

CAF_TEST(a client learns where it has connected to) {
  CAF_CHECK(server->local() == acceptor->local());
}

CAF_TEST_FIXTURE_SCOPE_END()
