#include "hosts/net/http_ports.hpp"
#include "tests/hosts/scripted_origin.hpp"

#include <atomic>
#include <memory>

#define CAF_SUITE upstream_proxy
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;

namespace {

using stream_ptr = std::shared_ptr<http_server_stream>;

constexpr auto ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A device behind a proxy that does what `script` says.
struct upstream_proxy_fixture {
  loop l;
  std::vector<std::string> asked; ///< heads that the upstream proxy got
  std::string reply = ok;         ///< to the first head of a connection
  scripted_origin proxy{l, [this](raw_peer& peer) { answer(peer); }};
  std::unique_ptr<http_client> client;
  std::shared_ptr<std::atomic<int>> lookups =
      std::make_shared<std::atomic<int>>();

  ~upstream_proxy_fixture() {
    client.reset();
    l.settle();
  }

  void answer(raw_peer& peer) {
    for (auto head = peer.take_head(); !head.empty(); head = peer.take_head()) {
      asked.push_back(head);
      peer.send(head.starts_with("CONNECT") ? reply
                                            : (asked.size() == 1 ? reply : ok));
    }
  }

  wan_config wan(const std::string& user = "u:p@") {
    wan_config out;
    out.upstream.proxy = parse_upstream("http://" + user + "127.0.0.1:"
                                        + std::to_string(proxy.port()))
                             .value();
    out.resolver = [lookups =
                        lookups](const std::string& host,
                                 address_family family) -> result<addresses> {
      ++*lookups;
      if (family == address_family::v6)
        return addresses{};
      return addresses{asio::ip::make_address(
          host.starts_with("inside") ? "10.0.0.1" : "192.0.2.1")};
    };
    return out;
  }

  /// Status and body of a GET, or the error.
  std::string fetch(const std::string& text, wan_config config,
                    bool for_peer = false) {
    client_config all;
    all.wan = std::move(config);
    all.allow_for_peer = [](const std::string& ip, uint16_t) -> result<void> {
      if (ip.starts_with("10."))
        return make_error(errc::policy_refused, ip + " is private");
      return {};
    };
    client = make_http_client(l.io.get_executor(), all);
    return fetch_again(text, for_peer);
  }

  /// The same with the client that is there.
  std::string fetch_again(const std::string& text, bool for_peer = false) {
    request_head head;
    head.method = "GET";
    head.target = parse_url(text).value();
    exchange_options options;
    options.for_peer = for_peer;
    auto x = client->open(head, options);
    auto got = read_head(l, *x);
    if (!got)
      return to_string(got.error());
    return std::to_string(got->status) + " " + read_all(l, *x).value();
  }
};

/// The same, with a client's connection to our own proxy.
struct tunnel_fixture : upstream_proxy_fixture {
  std::unique_ptr<http_acceptor> acceptor =
      listen_http(l.io.get_executor(), endpoint{"127.0.0.1", 0}, wan()).value();
  raw_peer_ptr client_socket = connect_raw(l, acceptor->local());
  stream_ptr server =
      l.await<stream_ptr>([&](auto done) { acceptor->accept(done); }).value();

  ~tunnel_fixture() {
    server.reset();
    acceptor.reset();
    client_socket->close();
    l.settle();
  }

  result<relay_totals> tunnel() {
    client_socket->send("CONNECT a.example:443 HTTP/1.1\r\n"
                        "Host: a.example:443\r\n\r\n");
    static_cast<void>(
        l.await<request_head>([&](auto done) { server->read_request(done); }));
    std::optional<result<relay_totals>> out;
    server->tunnel({"a.example", 443}, {}, nullptr,
                   [&](result<relay_totals> x) { out = std::move(x); });
    l.until([&] {
      return out || client_socket->received.find("bytes") != std::string::npos;
    });
    if (out)
      return *out;
    client_socket->half_close();
    proxy.peers.at(0)->close();
    l.until([&] { return out.has_value(); });
    return *out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(upstream_proxy_tests, upstream_proxy_fixture)

CAF_TEST(a request goes to the proxy in absolute form with its credentials) {
  CAF_CHECK_EQUAL(fetch("http://a.example:81/x?y", wan()), "200 hello");
  CAF_REQUIRE_EQUAL(asked.size(), 1u);
  CAF_CHECK_EQUAL(asked[0], "GET http://a.example:81/x?y HTTP/1.1\r\n"
                            "Host: a.example:81\r\n"
                            "Proxy-Authorization: Basic dTpw\r\n\r\n");
  CAF_CHECK_EQUAL(lookups->load(), 0);
}

CAF_TEST(a connection to the proxy is used again in the same form) {
  CAF_CHECK_EQUAL(fetch("http://a.example/x", wan()), "200 hello");
  CAF_CHECK_EQUAL(fetch_again("http://a.example/y"), "200 hello");
  CAF_REQUIRE_EQUAL(asked.size(), 2u);
  CAF_CHECK_EQUAL(proxy.peers.size(), 1u);
  CAF_CHECK(asked[1].starts_with("GET http://a.example/y HTTP/1.1\r\n"));
  CAF_CHECK(asked[1].find("Proxy-Authorization: Basic ") != std::string::npos);
}

CAF_TEST(without a user there are no credentials) {
  CAF_CHECK_EQUAL(fetch("http://a.example/", wan("")), "200 hello");
  CAF_CHECK(asked.at(0).find("Authorization") == std::string::npos);
}

CAF_TEST(what needs no proxy is reached directly) {
  scripted_origin origin{l, answering(ok)};
  auto config = wan();
  auto url = "http://127.0.0.1:" + std::to_string(origin.port()) + "/";
  CAF_CHECK_EQUAL(fetch(url, config), "200 hello");
  CAF_CHECK(asked.empty());
  CAF_CHECK_EQUAL(origin.peers.size(), 1u);
}

CAF_TEST(a proxy that wants other credentials is an error that says so) {
  reply = "HTTP/1.1 407 Proxy Authentication Required\r\n"
          "Proxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n";
  auto said = fetch("http://a.example/", wan());
  CAF_CHECK(said.starts_with(to_string(errc::upstream_refused)));
  CAF_CHECK(said.find("does not take this user name") != std::string::npos);
  CAF_CHECK(said.find("dTpw") == std::string::npos);
}

CAF_TEST(a proxy that is not there is named) {
  auto config = wan();
  {
    scripted_origin gone{l};
    config.upstream.proxy->port = gone.port();
  }
  l.settle();
  auto said = fetch("http://a.example/", config);
  CAF_CHECK(said.starts_with(to_string(errc::connection_refused)));
  CAF_CHECK(said.find("upstream proxy 127.0.0.1:") != std::string::npos);
}

CAF_TEST(a proxy that is ourselves is refused) {
  auto config = wan();
  config.self = endpoint{"127.0.0.1", proxy.port()};
  auto said = fetch("http://a.example/", config);
  CAF_CHECK(said.starts_with(to_string(errc::loop_detected)));
  CAF_CHECK(asked.empty());
}

// -- peers --------------------------------------------------------------------

CAF_TEST(a peer is served through a tunnel to an address that was checked) {
  reply = "HTTP/1.1 200 Connected\r\n\r\n";
  CAF_CHECK_EQUAL(fetch("http://a.example/x", wan(), true), "200 hello");
  CAF_REQUIRE_EQUAL(asked.size(), 2u);
  CAF_CHECK(asked[0].starts_with("CONNECT 192.0.2.1:80 HTTP/1.1\r\n"));
  CAF_CHECK(asked[0].find("Basic dTpw") != std::string::npos);
  CAF_CHECK_EQUAL(asked[1], "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
}

CAF_TEST(fields for CONNECT go along with nothing else) {
  reply = "HTTP/1.1 200 Connected\r\n\r\n";
  auto config = wan("");
  config.upstream.proxy->connect_fields.add("PeaPod-Exit", "own");
  CAF_CHECK_EQUAL(fetch("http://a.example/x", config, true), "200 hello");
  CAF_REQUIRE_EQUAL(asked.size(), 2u);
  CAF_CHECK(asked[0].find("PeaPod-Exit: own\r\n") != std::string::npos);
  CAF_CHECK(asked[1].find("PeaPod-Exit") == std::string::npos);
}

CAF_TEST(the words of a proxy that refuses a tunnel are passed on) {
  auto said_of = [this](std::string words) {
    reply = "HTTP/1.1 503 No\r\nContent-Type: text/plain\r\nContent-Length: "
            + std::to_string(words.size()) + "\r\n\r\n" + words;
    return fetch("http://a.example/x", wan(), true);
  };
  auto plain = said_of("the exit has gone\nand more");
  CAF_CHECK(plain.ends_with("answered with 503 (the exit has gone)"));
  auto odd = said_of("\x1b[2J");
  CAF_CHECK(odd.ends_with("answered with 503"));
  auto lengthy = said_of(std::string(1000, 'x'));
  CAF_CHECK(lengthy.ends_with("answered with 503"));
}

CAF_TEST(a peer does not reach private addresses through the proxy) {
  auto said = fetch("http://inside.example/x", wan(), true);
  CAF_CHECK(said.starts_with(to_string(errc::policy_refused)));
  said = fetch("http://10.1.2.3/x", wan(), true);
  CAF_CHECK(said.starts_with(to_string(errc::policy_refused)));
  CAF_CHECK(asked.empty());
}

CAF_TEST(a tunnel that the proxy refuses is an error) {
  reply = "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!";
  auto said = fetch("http://a.example/x", wan(), true);
  CAF_CHECK(said.starts_with(to_string(errc::upstream_refused)));
  CAF_CHECK(said.find("403") != std::string::npos);
}

CAF_TEST(a site that the proxy cannot reach is not the proxys refusal) {
  reply = "HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n";
  auto said = fetch("http://a.example/x", wan(), true);
  CAF_CHECK(said.starts_with(to_string(errc::connect_timed_out)));
  CAF_CHECK(said.ends_with("answered with 504"));
  reply = "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n";
  said = fetch("http://a.example/x", wan(), true);
  CAF_CHECK(said.starts_with(to_string(errc::unreachable)));
}

CAF_TEST_FIXTURE_SCOPE_END()

// -- tunnels ------------------------------------------------------------------

CAF_TEST_FIXTURE_SCOPE(upstream_tunnel_tests, tunnel_fixture)

CAF_TEST(a tunnel leads through the proxy and loses no early byte) {
  reply = "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nX: "
          + std::string(5000, 'y') + "\r\n\r\nearly bytes";
  auto totals = tunnel();
  CAF_REQUIRE(totals.has_value());
  CAF_CHECK_EQUAL(totals->to_client, 11u);
  CAF_CHECK_EQUAL(client_socket->received,
                  "HTTP/1.1 200 Connection established\r\n\r\nearly bytes");
  CAF_CHECK(asked.at(0).starts_with("CONNECT a.example:443 HTTP/1.1\r\n"));
}

CAF_TEST(a refused tunnel writes nothing to the client) {
  reply = "HTTP/1.1 403 Forbidden\r\n\r\nsome page";
  CAF_CHECK(code_of_error(tunnel()) == errc::upstream_refused);
  CAF_CHECK_EQUAL(client_socket->received, "");
}

CAF_TEST(nonsense of the proxy is not passed on) {
  for (auto text : {"SSH-2.0-x\r\n", "HTTP/1.1 200 OK\nX: y\n\n",
                    "HTTP/1.1 200 OK\r\nX y\r\n\r\n"}) {
    reply = text;
    CAF_CHECK(code_of_error(tunnel()) == errc::bad_http);
    CAF_CHECK_EQUAL(client_socket->received, "");
    client_socket = connect_raw(l, acceptor->local());
    server =
        l.await<stream_ptr>([&](auto done) { acceptor->accept(done); }).value();
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
