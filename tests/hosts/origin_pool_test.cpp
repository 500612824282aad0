#include "hosts/net/http_ports.hpp"
#include "hosts/net/origin_pool.hpp"
#include "tests/hosts/scripted_origin.hpp"

#include <algorithm>
#include <map>

#define CAF_SUITE origin_pool
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;
using namespace std::chrono_literals;

namespace {

struct origin_pool_fixture {
  loop l;
  scripted_origin origin{l};
  std::shared_ptr<origin_pool> pool;

  ~origin_pool_fixture() {
    if (pool)
      pool->close();
    l.settle();
  }

  void keep(size_t per_origin, size_t total, duration lifetime = 30s,
            std::shared_ptr<network_epoch> epoch = nullptr) {
    pool = std::make_shared<origin_pool>(
        l.io.get_executor(), origin_pool::limits{per_origin, total, lifetime},
        std::move(epoch));
  }

  std::shared_ptr<transport> connection() {
    auto before = origin.peers.size();
    tcp::socket socket{l.io};
    socket.connect({asio::ip::address_v4::loopback(), origin.port()});
    CAF_REQUIRE(l.until([&] { return origin.peers.size() > before; }));
    return make_plain_transport(std::move(socket));
  }

  static origin_key key(std::string host, bool for_peer = false) {
    return {"http", std::move(host), 80, for_peer, ""};
  }

  size_t ended() const {
    return static_cast<size_t>(std::count_if(origin.peers.begin(),
                                             origin.peers.end(),
                                             [](auto& x) { return x->ended; }));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(origin_pool_tests, origin_pool_fixture)

CAF_TEST(the connection used last comes back first) {
  keep(8, 8);
  auto first = connection();
  auto second = connection();
  pool->put(key("a"), first);
  pool->put(key("a"), second);
  CAF_CHECK(pool->take(key("b")) == nullptr);
  CAF_CHECK(pool->take(key("a", true)) == nullptr);
  CAF_CHECK(pool->take(key("a")) == second);
  CAF_CHECK(pool->take(key("a")) == first);
  CAF_CHECK(pool->take(key("a")) == nullptr);
  CAF_CHECK_EQUAL(pool->size(), 0u);
}

CAF_TEST(no more connections are kept than the bounds say) {
  keep(2, 3);
  for (auto* host : {"a", "a", "a", "b", "b"})
    pool->put(key(host), connection());
  CAF_CHECK_EQUAL(pool->size(), 3u);
  CAF_CHECK(l.until([&] { return ended() == 2; }));
  CAF_CHECK(pool->take(key("b")) != nullptr);
  CAF_CHECK(pool->take(key("b")) == nullptr);
}

CAF_TEST(a connection that has ended or says something is dropped) {
  keep(8, 8);
  pool->put(key("a"), connection());
  pool->put(key("b"), connection());
  origin.peers[0]->close();
  origin.peers[1]->send("HTTP/1.1 408 Request Timeout\r\n\r\n");
  l.settle();
  CAF_CHECK(pool->take(key("a")) == nullptr);
  CAF_CHECK(pool->take(key("b")) == nullptr);
  CAF_CHECK_EQUAL(pool->size(), 0u);
  CAF_CHECK(l.until([&] { return origin.peers[1]->ended; }));
}

CAF_TEST(connections do not wait for ever) {
  keep(8, 8, 50ms);
  pool->put(key("a"), connection());
  CAF_CHECK(l.until([&] { return ended() == 1; }));
  CAF_CHECK_EQUAL(pool->size(), 0u);
}

CAF_TEST(connections of another network are not used again) {
  auto epoch = std::make_shared<network_epoch>();
  keep(8, 8, 30s, epoch);
  pool->put(key("a"), connection());
  epoch->next();
  CAF_CHECK(pool->take(key("a")) == nullptr);
  CAF_CHECK(l.until([&] { return ended() == 1; }));
  auto later = connection();
  pool->put(key("a"), later);
  CAF_CHECK(pool->take(key("a")) == later);
}

CAF_TEST(an origin says how long its connections can be used) {
  keep(8, 8);
  pool->put(key("a"), connection(), 0s);
  l.until([] { return false; }, 5ms);
  CAF_CHECK(pool->take(key("a")) == nullptr);
}

CAF_TEST(what cannot be repeated needs a connection that will hardly end) {
  keep(8, 8);
  auto first = connection();
  pool->put(key("a"), first, 60s);
  CAF_CHECK(pool->take(key("a"), certainty::high) == first);
  // Nearly as old as it may become.
  pool->put(key("a"), first, 1s);
  l.until([] { return false; }, 5ms);
  CAF_CHECK(pool->take(key("a"), certainty::high) == nullptr);
  CAF_CHECK(pool->take(key("a")) == first);
}

CAF_TEST(a closed pool keeps nothing) {
  keep(8, 8);
  pool->put(key("a"), connection());
  pool->close();
  pool->put(key("a"), connection());
  CAF_CHECK_EQUAL(pool->size(), 0u);
  CAF_CHECK(l.until([&] { return ended() == 2; }));
}

// -- what is sent twice -------------------------------------------------------

/// Answers the first request of each connection, and ends it at the second
/// one after `part` of an answer.
std::function<void(raw_peer&)> ending_at_second(std::string part) {
  return [part = std::move(part),
          seen = std::make_shared<std::map<raw_peer*, int>>()](raw_peer& peer) {
    if (peer.take_head().empty())
      return;
    if (++(*seen)[&peer] == 1) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    peer.send(part);
    peer.close();
  };
}

/// The second exchange with an origin that ends its kept connection.
result<response_head> ask_twice(loop& l, http_client& http,
                                const scripted_origin& origin,
                                const std::string& method) {
  auto first = http.open(request_to(origin.port()), {});
  CAF_REQUIRE(read_head(l, *first).has_value());
  auto head = request_to(origin.port(), method);
  if (method == "POST")
    head.framing = body_framing::length;
  auto second = http.open(head, {});
  return read_head(l, *second);
}

CAF_TEST(a request that does no harm twice is sent again) {
  scripted_origin quitter{l, ending_at_second("")};
  auto http = make_http_client(l.io.get_executor());
  CAF_CHECK(ask_twice(l, *http, quitter, "GET").has_value());
  CAF_CHECK_EQUAL(quitter.peers.size(), 2u);
}

CAF_TEST(a request that may do harm twice is not sent again) {
  scripted_origin quitter{l, ending_at_second("")};
  auto http = make_http_client(l.io.get_executor());
  CAF_CHECK(code_of_error(ask_twice(l, *http, quitter, "POST"))
            == errc::connection_closed);
  CAF_CHECK_EQUAL(quitter.peers.size(), 1u);
}

CAF_TEST(a request that was half answered is not sent again) {
  scripted_origin quitter{l, ending_at_second("HTTP/1.1 200 OK\r\n")};
  auto http = make_http_client(l.io.get_executor());
  CAF_CHECK(code_of_error(ask_twice(l, *http, quitter, "GET"))
            == errc::connection_closed);
  CAF_CHECK_EQUAL(quitter.peers.size(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
