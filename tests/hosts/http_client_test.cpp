#include "hosts/net/http_ports.hpp"
#include "tests/hosts/scripted_origin.hpp"

#define CAF_SUITE http_client
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;

namespace {

struct http_client_fixture {
  loop l;
  std::unique_ptr<http_client> client = make_http_client(l.io.get_executor());

  ~http_client_fixture() {
    client.reset();
    l.settle();
  }

  std::shared_ptr<http_exchange> get(const scripted_origin& origin,
                                     exchange_options options = {}) {
    return client->open(request_to(origin.port()), options);
  }

  /// Status and body of a GET, or the error's code in words.
  std::string fetch(const scripted_origin& origin) {
    auto x = get(origin);
    auto head = read_head(l, *x);
    if (!head)
      return std::string{to_string(head.error().code)};
    auto body = read_all(l, *x);
    return body ? std::to_string(head->status) + " " + *body
                : std::string{to_string(body.error().code)};
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(http_client_tests, http_client_fixture)

CAF_TEST(a connection is used again) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")};
  CAF_CHECK_EQUAL(fetch(origin), "200 hello");
  CAF_CHECK_EQUAL(fetch(origin), "200 hello");
  CAF_CHECK_EQUAL(origin.peers.size(), 1u);
  exchange_options options;
  options.fresh_connection = true;
  auto x = get(origin, options);
  CAF_CHECK_EQUAL(read_head(l, *x).value().status, 200u);
  CAF_CHECK_EQUAL(origin.peers.size(), 2u);
}

CAF_TEST(a connection that the origin closes is not used again) {
  scripted_origin origin{l, answering("HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                      "Content-Length: 5\r\n\r\nhello")};
  CAF_CHECK_EQUAL(fetch(origin), "200 hello");
  CAF_CHECK_EQUAL(fetch(origin), "200 hello");
  CAF_CHECK_EQUAL(origin.peers.size(), 2u);
}

CAF_TEST(an idle connection that has ended is replaced) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")};
  CAF_CHECK_EQUAL(fetch(origin), "200 x");
  origin.peers[0]->close();
  CAF_CHECK_EQUAL(fetch(origin), "200 x");
  CAF_CHECK_EQUAL(origin.peers.size(), 2u);
}

CAF_TEST(a request is repeated once when its idle connection ends) {
  int requests = 0;
  scripted_origin origin{l, [&](raw_peer& peer) {
                           if (peer.take_head().empty())
                             return;
                           if (++requests == 2)
                             return peer.close();
                           peer.send("HTTP/1.1 200 OK\r\n"
                                     "Content-Length: 1\r\n\r\nx");
                         }};
  CAF_CHECK_EQUAL(fetch(origin), "200 x");
  CAF_CHECK_EQUAL(fetch(origin), "200 x");
  CAF_CHECK_EQUAL(requests, 3);
}

CAF_TEST(a new connection that ends without an answer is an error) {
  int requests = 0;
  scripted_origin origin{l, [&](raw_peer& peer) {
                           ++requests;
                           peer.close();
                         }};
  CAF_CHECK_EQUAL(fetch(origin), to_string(errc::connection_closed));
  CAF_CHECK_EQUAL(requests, 1);
}

CAF_TEST(a chunked body is joined and keeps the connection) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")};
  CAF_CHECK_EQUAL(fetch(origin), "200 abcde");
  CAF_CHECK_EQUAL(fetch(origin), "200 abcde");
  CAF_CHECK_EQUAL(origin.peers.size(), 1u);
}

CAF_TEST(a body that ends early never looks complete) {
  for (auto response : {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                        "chunked\r\n\r\n5\r\nhello\r\n"}) {
    scripted_origin origin{l, [response](raw_peer& peer) {
                             peer.send(response);
                             peer.close();
                           }};
    CAF_CHECK_EQUAL(fetch(origin), to_string(errc::connection_closed));
  }
}

CAF_TEST(a body without a length ends with the connection) {
  scripted_origin origin{l, [](raw_peer& peer) {
                           peer.send("HTTP/1.0 200 OK\r\n\r\nall of it");
                           peer.close();
                         }};
  CAF_CHECK_EQUAL(fetch(origin), "200 all of it");
}

CAF_TEST(contradicting framing is refused) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")};
  CAF_CHECK_EQUAL(fetch(origin), to_string(errc::bad_http));
}

CAF_TEST(HEAD announces a length and has no body) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")};
  auto x = client->open(request_to(origin.port(), "HEAD"), {});
  auto head = read_head(l, *x);
  CAF_REQUIRE(head.has_value());
  CAF_CHECK(head->framing == body_framing::none);
  CAF_CHECK_EQUAL(head->content_length.value(), 12345u);
  CAF_CHECK_EQUAL(read_all(l, *x).value(), "");
  auto y = client->open(request_to(origin.port(), "HEAD"), {});
  CAF_CHECK(read_head(l, *y).has_value());
  CAF_CHECK_EQUAL(origin.peers.size(), 1u);
}

CAF_TEST(request bodies go out with a length or in chunks) {
  std::string last;
  auto script = [&](raw_peer& peer) {
    if (!peer.received.ends_with("END")
        && !peer.received.ends_with("0\r\n\r\n"))
      return;
    last = std::exchange(peer.received, "");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  scripted_origin origin{l, script};
  auto head = request_to(origin.port(), "POST");
  head.framing = body_framing::length;
  head.content_length = 6;
  auto x = client->open(head, {});
  CAF_CHECK(write_part(l, *x, "abc", false).has_value());
  CAF_CHECK(write_part(l, *x, "END", true).has_value());
  CAF_CHECK_EQUAL(read_head(l, *x).value().status, 200u);
  CAF_CHECK(last.find("Content-Length: 6\r\n\r\nabcEND") != std::string::npos);
  head.framing = body_framing::chunked;
  auto y = client->open(head, {});
  CAF_CHECK(write_part(l, *y, "abc", false).has_value());
  CAF_CHECK(write_part(l, *y, "", true).has_value());
  CAF_CHECK_EQUAL(read_head(l, *y).value().status, 200u);
  CAF_CHECK(last.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
  CAF_CHECK_EQUAL(origin.peers.size(), 1u);
}

CAF_TEST(a body other than announced is refused) {
  scripted_origin origin{l};
  auto head = request_to(origin.port(), "POST");
  head.framing = body_framing::length;
  head.content_length = 2;
  auto x = client->open(head, {});
  CAF_CHECK(code_of_error(write_part(l, *x, "abc", true)) == errc::bad_http);
  CAF_CHECK(code_of_error(write_part(l, *x, "a", true)) == errc::bad_http);
}

CAF_TEST(interim heads are passed on before the final one) {
  scripted_origin origin{
      l, answering("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")};
  std::vector<unsigned> interim;
  auto x = client->open(
      request_to(origin.port()), {},
      [&](const response_head& head) { interim.push_back(head.status); });
  CAF_CHECK_EQUAL(read_head(l, *x).value().status, 200u);
  CAF_CHECK_EQUAL(interim, std::vector<unsigned>{103});
}

CAF_TEST(pieces are no larger than asked for and share their block) {
  std::string content(100000, 'x');
  scripted_origin origin{
      l,
      answering("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + content)};
  auto x = get(origin);
  CAF_REQUIRE(read_head(l, *x).has_value());
  auto part = l.await<body_part>([&](auto done) { x->read_body(1000, done); });
  CAF_REQUIRE(part.has_value());
  CAF_CHECK(part->bytes.size() <= 1000u);
  auto rest = read_all(l, *x, 1000);
  CAF_CHECK_EQUAL(part->bytes.size() + rest.value().size(), 100000u);
  CAF_CHECK_EQUAL(x->received(), 100000u);
}

CAF_TEST(what has come counts as received before it is read) {
  std::string content(50'000, 'x');
  scripted_origin origin{
      l,
      answering("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + content)};
  auto x = get(origin);
  CAF_REQUIRE(read_head(l, *x).has_value());
  for (int i = 0; x->received() < content.size() && i < 1000; ++i)
    l.until([] { return false; }, std::chrono::milliseconds(1));
  CAF_CHECK_EQUAL(x->received(), content.size());
  CAF_CHECK_EQUAL(read_all(l, *x).value(), content);
  CAF_CHECK_EQUAL(x->received(), content.size());
}

CAF_TEST(cancelling calls each handler once and never from within) {
  scripted_origin origin{l};
  auto x = get(origin);
  int calls = 0;
  errc code{};
  x->read_head([&](result<response_head> head) {
    ++calls;
    code = head.error().code;
  });
  CAF_CHECK_EQUAL(calls, 0);
  CAF_REQUIRE(l.until([&] {
    return origin.peers.size() == 1 && !origin.peers[0]->received.empty();
  }));
  x->cancel();
  CAF_CHECK_EQUAL(calls, 0);
  CAF_CHECK(l.until([&] { return calls > 0; }));
  l.settle();
  CAF_CHECK_EQUAL(calls, 1);
  CAF_CHECK(code == errc::cancelled);
  CAF_CHECK(l.until([&] { return origin.peers[0]->was_reset; }));
}

CAF_TEST(dropping an exchange calls its handlers) {
  scripted_origin origin{l};
  std::vector<errc> codes;
  auto note = [&](const auto& x) { codes.push_back(x.error().code); };
  auto head = request_to(origin.port(), "POST");
  head.framing = body_framing::chunked;
  auto x = client->open(head, {});
  x->read_head(note);
  x->write_body({slice{std::string_view{"x"}}, false}, note);
  x.reset();
  CAF_CHECK(l.until([&] { return codes.size() == 2; }));
  CAF_CHECK(codes == (std::vector{errc::cancelled, errc::cancelled}));
}

CAF_TEST(an origin that stays silent is given up) {
  scripted_origin origin{l};
  exchange_options options;
  options.idle_timeout = std::chrono::milliseconds(50);
  auto x = get(origin, options);
  CAF_CHECK(code_of_error(read_head(l, *x)) == errc::timed_out);
}

CAF_TEST(errors of connecting name the address) {
  uint16_t port = 0;
  {
    scripted_origin gone{l};
    port = gone.port();
  }
  l.settle();
  auto x = client->open(request_to(port), {});
  auto head = read_head(l, *x);
  CAF_REQUIRE(!head.has_value());
  CAF_CHECK(head.error().code == errc::connection_refused);
  CAF_CHECK(
      head.error().detail.starts_with("127.0.0.1:" + std::to_string(port)));
}

CAF_TEST(peers are refused without a policy) {
  scripted_origin origin{l};
  exchange_options options;
  options.for_peer = true;
  auto x = get(origin, options);
  CAF_CHECK(code_of_error(read_head(l, *x)) == errc::policy_refused);
  CAF_CHECK(origin.peers.empty());
}

CAF_TEST(the exit policy sees the address that is dialled) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")};
  std::string seen;
  bool allow = false;
  client_config config;
  config.allow_for_peer = [&](const std::string& ip,
                              uint16_t port) -> result<void> {
    seen = ip + ":" + std::to_string(port);
    if (allow)
      return {};
    return make_error(errc::policy_refused, ip + " is not public");
  };
  auto strict = make_http_client(l.io.get_executor(), config);
  exchange_options options;
  options.for_peer = true;
  auto x = strict->open(request_to(origin.port()), options);
  CAF_CHECK(code_of_error(read_head(l, *x)) == errc::policy_refused);
  CAF_CHECK_EQUAL(seen, "127.0.0.1:" + std::to_string(origin.port()));
  CAF_CHECK(origin.peers.empty());
  allow = true;
  auto y = strict->open(request_to(origin.port()), options);
  CAF_CHECK_EQUAL(read_head(l, *y).value().status, 200u);
}

CAF_TEST(connections for peers and for us are not mixed) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")};
  CAF_CHECK_EQUAL(fetch(origin), "200 x");
  exchange_options options;
  options.for_peer = true;
  auto x = get(origin, options);
  CAF_CHECK(code_of_error(read_head(l, *x)) == errc::policy_refused);
}

CAF_TEST(a connection can leave from a chosen address) {
  scripted_origin origin{
      l, answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")};
  client_config config;
  config.wan.binds = {source_bind{"127.0.0.2", ""}};
  client = make_http_client(l.io.get_executor(), config);
  CAF_CHECK_EQUAL(fetch(origin), "200 x");
  config.wan.binds = {source_bind{"::1", ""}};
  client = make_http_client(l.io.get_executor(), config);
  CAF_CHECK_EQUAL(fetch(origin), to_string(errc::io_failed));
}

CAF_TEST_FIXTURE_SCOPE_END()
