#include "hosts/net/stun_client.hpp"

#include "hosts/net/line_prober.hpp"
#include "hosts/net/routes.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

#define CAF_SUITE stun_client
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using asio::ip::udp;

void count_up(std::span<uint8_t> out) {
  static uint8_t next = 0;
  for (auto& x : out)
    x = next++;
}

/// A server on loopback that says that everybody comes from 192.0.2.1:32853.
struct stun_client_fixture {
  asio::io_context io;
  udp::socket socket{io, udp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
  udp::endpoint from;
  std::array<uint8_t, 100> buffer{};
  unsigned asked = 0;
  unsigned deaf = 0;         ///< how many requests get lost
  udp::socket* by = nullptr; ///< who answers instead
  bool twice = false;        ///< both do, the other one first

  stun_client_fixture() {
    serve();
  }

  void serve() {
    socket.async_receive_from(
        asio::buffer(buffer), from,
        [this](boost::system::error_code ec, size_t size) {
          if (ec)
            return;
          if (++asked > deaf && size == 20)
            answer();
          serve();
        });
  }

  void answer() {
    auto address = from_hex("002000080001a147e112a643");
    byte_buffer out(buffer.begin(), buffer.begin() + 20);
    out[0] = 1;
    out[3] = static_cast<uint8_t>(address.size());
    out.insert(out.end(), address.begin(), address.end());
    if (by)
      by->send_to(asio::buffer(out), from);
    if (!by || twice)
      socket.send_to(asio::buffer(out), from);
  }

  host_port server() {
    return {"127.0.0.1", socket.local_endpoint().port()};
  }

  /// What asking comes to: an address, or the code of the error.
  std::string ask(stun_client& client,
                  address_family family = address_family::v4) {
    std::optional<result<stun_answer>> got;
    client.ask(family, [&](result<stun_answer> x) { got = std::move(x); });
    auto until = std::chrono::steady_clock::now() + 10s;
    while (!got && std::chrono::steady_clock::now() < until)
      io.run_one_for(100ms);
    if (!got)
      return "nothing";
    return *got ? to_hex((*got)->address.bytes())
                : std::string{to_string(got->error().code)};
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(stun_client_tests, stun_client_fixture)

CAF_TEST(a server says where its client comes from) {
  stun_client client{io.get_executor(), server(), {}, count_up};
  CAF_CHECK_EQUAL(ask(client), "c0000201");
  CAF_CHECK_EQUAL(asked, 1u);
  CAF_CHECK_EQUAL(ask(client), "c0000201");
  CAF_CHECK_EQUAL(ask(client, address_family::v6),
                  std::string{to_string(errc::dns_failed)});
}

CAF_TEST(a request that is lost is sent again) {
  deaf = 1;
  stun_client client{io.get_executor(), server(), {}, count_up};
  CAF_CHECK_EQUAL(ask(client), "c0000201");
  CAF_CHECK_EQUAL(asked, 2u);
}

CAF_TEST(an answer of another address than was asked is said and not believed) {
  udp::socket other{io, udp::endpoint{asio::ip::make_address("127.0.0.2"), 0}};
  by = &other;
  stun_client client{io.get_executor(), server(), {}, count_up};
  std::optional<result<stun_answer>> got;
  client.ask(address_family::v4,
             [&](result<stun_answer> x) { got = std::move(x); });
  auto until = std::chrono::steady_clock::now() + 10s;
  while (!got && std::chrono::steady_clock::now() < until)
    io.run_one_for(100ms);
  CAF_REQUIRE(got && !*got);
  auto why = got->error();
  CAF_CHECK_EQUAL(why.code, errc::bad_http);
  CAF_CHECK_EQUAL(why.detail, "the STUN server was asked at 127.0.0.1, but "
                              "127.0.0.2 answers, which is not believed: name "
                              "that address, or have it answer from its own");
}

CAF_TEST(what others say before the server does is left out) {
  udp::socket other{io, udp::endpoint{asio::ip::make_address("127.0.0.2"), 0}};
  by = &other;
  twice = true;
  stun_client client{io.get_executor(), server(), {}, count_up};
  CAF_CHECK_EQUAL(ask(client), "c0000201");
}

CAF_TEST(a question leaves by the line that it is about) {
  stun_client client{io.get_executor(), server(), {"127.0.0.3", ""}, count_up};
  CAF_CHECK_EQUAL(ask(client), "c0000201");
  CAF_CHECK_EQUAL(from.address().to_string(), "127.0.0.3");
  stun_client nowhere{
      io.get_executor(), server(), {"192.0.2.77", ""}, count_up};
  CAF_CHECK_EQUAL(ask(nowhere), std::string{to_string(errc::io_failed)});
}

CAF_TEST(a client that goes answers who waits) {
  deaf = 100;
  std::optional<result<stun_answer>> got;
  {
    stun_client client{io.get_executor(), server(), {}, count_up};
    client.ask(address_family::v4,
               [&](result<stun_answer> x) { got = std::move(x); });
    auto until = std::chrono::steady_clock::now() + 10s;
    while (asked == 0 && std::chrono::steady_clock::now() < until)
      io.run_one_for(100ms);
    CAF_CHECK(!got);
  }
  CAF_REQUIRE(got);
  CAF_REQUIRE(!*got);
  CAF_CHECK(got->error().code == errc::cancelled);
  socket.close();
  io.run_for(1s);
  CAF_CHECK(io.stopped()); // no timer is left
}

CAF_TEST(both families are asked and one answer is enough) {
  auto probe = make_line_probe(io.get_executor(), {}, server(), count_up);
  CAF_CHECK(probe->can_ask());
  std::optional<result<public_addresses>> got;
  probe->ask([&](result<public_addresses> x) { got = std::move(x); });
  auto until = std::chrono::steady_clock::now() + 10s;
  while (!got && std::chrono::steady_clock::now() < until)
    io.run_one_for(100ms);
  CAF_REQUIRE(got && *got);
  CAF_CHECK_EQUAL((*got)->v4, "192.0.2.1");
  CAF_CHECK_EQUAL((*got)->v6, "");
}

CAF_TEST(nobody is asked where there is no server) {
  auto probe = make_line_probe(io.get_executor(), {}, {}, count_up);
  CAF_CHECK(!probe->can_ask());
}

CAF_TEST(a line is there while what it names is up) {
  CAF_CHECK(is_there({}));
  CAF_CHECK(is_there({"127.0.0.1", ""}));
  CAF_CHECK(is_there({"", "lo"}));
  CAF_CHECK(!is_there({"", "nothing0"}));
  CAF_CHECK(!is_there({"192.0.2.77", ""}));
  auto gone =
      make_line_probe(io.get_executor(), {"", "nothing0"}, {}, count_up);
  CAF_CHECK(!gone->look().up);
  auto way = find_default_way({"", "nothing0"});
  CAF_REQUIRE(!way);
  CAF_CHECK(way.error().code == errc::unreachable);
}

CAF_TEST_FIXTURE_SCOPE_END()
