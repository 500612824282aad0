#include "hosts/net/udp_discovery.hpp"

#include "hosts/common/config.hpp"

#include <boost/asio/io_context.hpp>

#include <unistd.h>

#define CAF_SUITE udp_discovery
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

using net::discovery_config;
using net::discovery_source;
using net::network_interface;

network_interface make_interface(std::string name, std::string address) {
  network_interface out;
  out.name = std::move(name);
  out.index = 2;
  out.address = std::move(address);
  out.prefix_length = 24;
  out.up = true;
  out.multicast = true;
  return out;
}

network_interface make_loopback() {
  auto out = make_interface("lo", "127.0.0.1");
  out.prefix_length = 8;
  out.multicast = false;
  out.loopback = true;
  return out;
}

/// Apart from other runs of the tests on the same machine.
uint16_t test_port() {
  return static_cast<uint16_t>(20000 + ::getpid() % 20000);
}

discovery_config on_loopback(std::string address) {
  discovery_config out;
  out.port = test_port();
  out.interfaces = {"lo"};
  out.listen = {std::move(address), 45679};
  return out;
}

struct udp_discovery_fixture {
  boost::asio::io_context io;

  std::unique_ptr<discovery_port> open(discovery_config config) {
    auto out = net::open_discovery(io.get_executor(), std::move(config));
    CAF_REQUIRE(out);
    return std::move(*out);
  }

  /// The next datagram of `port`.
  result<datagram> next(discovery_port& port) {
    std::optional<result<datagram>> got;
    port.receive([&](result<datagram> x) { got = std::move(x); });
    CAF_CHECK(!got);
    auto deadline = std::chrono::steady_clock::now() + 5s;
    io.restart();
    while (!got && std::chrono::steady_clock::now() < deadline)
      io.run_one_for(100ms);
    CAF_REQUIRE(got);
    return *got;
  }

  /// Its bytes as text.
  std::string next_text(discovery_port& port) {
    auto got = next(port);
    CAF_REQUIRE(got);
    return std::string{got->bytes.text()};
  }
};

} // namespace

// -- which interfaces ---------------------------------------------------------

CAF_TEST(an ordinary interface is used and sends from its address) {
  auto lan = make_interface("eth0", "10.0.0.2");
  CAF_CHECK(discovery_source(lan, {}) == "10.0.0.2");
  auto down = lan;
  down.up = false;
  CAF_CHECK(!discovery_source(down, {}));
  auto mute = lan;
  mute.multicast = false;
  CAF_CHECK(!discovery_source(mute, {}));
}

CAF_TEST(loopback and virtual networks are used only when they are listed) {
  discovery_config open;
  open.exclude = settings{}.discovery.exclude;
  auto listed = open;
  for (auto name :
       {"docker0", "veth12", "br-9", "virbr0", "tun0", "tap1", "wg0"}) {
    auto virtual_one = make_interface(name, "10.1.0.1");
    CAF_CHECK(!discovery_source(virtual_one, open));
    listed.interfaces = {name};
    CAF_CHECK(discovery_source(virtual_one, listed) == "10.1.0.1");
  }
  CAF_CHECK(!discovery_source(make_loopback(), {}));
  listed.interfaces = {"lo"};
  CAF_CHECK(discovery_source(make_loopback(), listed) == "127.0.0.1");
  listed.interfaces = {"127.0.0.7"};
  CAF_CHECK(discovery_source(make_loopback(), listed) == "127.0.0.7");
}

CAF_TEST(the names of ordinary interfaces are not excluded) {
  discovery_config config;
  config.exclude = settings{}.discovery.exclude;
  for (auto name : {"eth0", "eno1", "enp3s0", "wlan0", "wlp2s0", "br0", "bond0",
                    "usb0", "enx001122334455", "lan0"})
    CAF_CHECK(discovery_source(make_interface(name, "10.1.0.1"), config));
}

CAF_TEST(a pattern has any text for each asterisk) {
  using net::matches_pattern;
  CAF_CHECK(matches_pattern("docker*", "docker0"));
  CAF_CHECK(matches_pattern("docker*", "docker"));
  CAF_CHECK(!matches_pattern("docker*", "mydocker0"));
  CAF_CHECK(matches_pattern("*-vpn", "work-vpn"));
  CAF_CHECK(!matches_pattern("*-vpn", "work-vpn2"));
  CAF_CHECK(matches_pattern("a*b*c", "a-b-b-c"));
  CAF_CHECK(!matches_pattern("a*b*c", "acb"));
  CAF_CHECK(!matches_pattern("ab*ba", "aba"));
  CAF_CHECK(matches_pattern("*", ""));
  CAF_CHECK(matches_pattern("eth0", "eth0"));
  CAF_CHECK(!matches_pattern("eth0", "eth01"));
}

CAF_TEST(of IPv6 addresses only link local ones are used) {
  auto near = make_interface("eth0", "fe80::2");
  auto global = make_interface("eth0", "2001:db8::2");
  discovery_config config;
  config.listen = {"::", 45679};
  CAF_CHECK(discovery_source(near, config) == "fe80::2%eth0");
  CAF_CHECK(!discovery_source(global, config));
  config.listen = {"fe80::2%eth0", 45679};
  CAF_CHECK(discovery_source(near, config) == "fe80::2%eth0");
  config.listen = {"0.0.0.0", 45679};
  CAF_CHECK(!discovery_source(near, config));
  config.listen = {"10.0.0.2", 45679};
  CAF_CHECK(!discovery_source(near, config));
}

CAF_TEST(only neighbours on an interface are heard) {
  auto second = make_interface("eth0", "172.16.0.1");
  second.prefix_length = 30;
  auto v6 = make_interface("eth0", "fe80::2");
  v6.prefix_length = 64;
  auto elsewhere = make_interface("eth1", "10.0.9.2");
  elsewhere.index = 3;
  std::vector all{make_interface("eth0", "10.0.0.2"), second, v6, elsewhere};
  net::link link{2, all};
  for (auto near :
       {"10.0.0.1", "10.0.0.254", "172.16.0.2", "fe80::77%eth0", "fe80::77"})
    CAF_CHECK(link.has(near));
  for (auto far :
       {"10.0.1.1", "10.0.9.2", "172.16.0.5", "127.0.0.1", "8.8.8.8", "0.0.0.0",
        "10.0.0.0", "10.0.0.255", "172.16.0.3", "fe80::77%eth1", "2001:db8::1",
        "fe80:0:0:1::1", "::1", "", "x"})
    CAF_CHECK(!link.has(far));
}

CAF_TEST(public addresses are near only in a network of this machine) {
  auto campus = make_interface("eth0", "8.8.4.4");
  auto global = make_interface("eth0", "2a00:1450::2");
  global.prefix_length = 64;
  std::vector all{campus, global};
  for (auto near : {"8.8.4.9", "2a00:1450::9", "10.1.2.3", "fe80::1%eth0",
                    "fd00::1", "127.0.0.1", "::1", "192.168.1.1"})
    CAF_CHECK(net::may_be_near(near, all));
  for (auto far : {"8.8.8.8", "2a00:1450:0:1::9", "1.1.1.1", "x", ""})
    CAF_CHECK(!net::may_be_near(far, all));
}

CAF_TEST(at the end of a line there is one neighbour) {
  auto line = make_interface("ppp0", "10.0.0.2");
  line.point_to_point = true;
  line.prefix_length = 32;
  line.peer = "10.0.0.9";
  std::vector all{line};
  CAF_CHECK((net::link{2, all}).has("10.0.0.9"));
  CAF_CHECK(!(net::link{2, all}).has("10.0.0.3"));
}

CAF_TEST(a list leaves all others out) {
  discovery_config config;
  config.interfaces = {"eth1", "10.0.2.2"};
  CAF_CHECK(!discovery_source(make_interface("eth0", "10.0.0.2"), config));
  CAF_CHECK(discovery_source(make_interface("eth1", "10.0.1.2"), config));
  CAF_CHECK(discovery_source(make_interface("eth2", "10.0.2.2"), config));
}

CAF_TEST(a specific address to listen on leaves only its interface) {
  discovery_config config;
  config.listen = {"10.0.0.2", 45679};
  CAF_CHECK(discovery_source(make_interface("eth0", "10.0.0.2"), config));
  CAF_CHECK(!discovery_source(make_interface("eth1", "10.0.1.2"), config));
  config.listen = {"127.0.0.3", 45679};
  config.interfaces = {"lo"};
  CAF_CHECK(discovery_source(make_loopback(), config) == "127.0.0.3");
}

CAF_TEST(this machine has a loopback interface) {
  auto all = net::list_interfaces();
  CAF_REQUIRE(all);
  auto lo = std::find_if(all->begin(), all->end(),
                         [](auto& x) { return x.address == "127.0.0.1"; });
  CAF_REQUIRE(lo != all->end());
  CAF_CHECK(lo->loopback);
  CAF_CHECK_EQUAL(lo->prefix_length, 8u);
}

// -- the group ----------------------------------------------------------------

CAF_TEST_FIXTURE_SCOPE(udp_discovery_tests, udp_discovery_fixture)

CAF_TEST(daemons of one machine hear each other and themselves) {
  auto a = open(on_loopback("127.0.0.2"));
  auto b = open(on_loopback("127.0.0.3"));
  auto sent = a->announce(slice{"beacon"});
  CAF_REQUIRE(sent);
  CAF_CHECK_EQUAL(*sent, 1u);
  for (auto* port : {a.get(), b.get()}) {
    auto got = next(*port);
    CAF_REQUIRE(got);
    CAF_CHECK_EQUAL(got->bytes.text(), "beacon");
    CAF_CHECK(got->from == (endpoint{"127.0.0.2", test_port()}));
  }
}

CAF_TEST(a reply goes to one daemon only and comes from the same port) {
  auto a = open(on_loopback("127.0.0.2"));
  auto b = open(on_loopback("127.0.0.3"));
  b->reply({"127.0.0.2", test_port()}, slice{"reply"});
  auto got = next(*a);
  CAF_REQUIRE(got);
  CAF_CHECK_EQUAL(got->bytes.text(), "reply");
  CAF_CHECK(got->from == (endpoint{"127.0.0.3", test_port()}));
  // What b hears next is not its own reply.
  CAF_REQUIRE(a->announce(slice{"beacon"}));
  CAF_CHECK_EQUAL(next_text(*b), "beacon");
}

CAF_TEST(one source does not keep the others from being heard) {
  auto a = open(on_loopback("127.0.0.2"));
  auto b = open(on_loopback("127.0.0.3"));
  auto c = open(on_loopback("127.0.0.4"));
  // Few enough for the kernel's buffer, which takes no words once it is full.
  for (int i = 0; i < 150; ++i)
    b->reply({"127.0.0.2", test_port()}, slice{"flood"});
  c->reply({"127.0.0.2", test_port()}, slice{"word"});
  size_t flood = 0;
  while (next_text(*a) == "flood")
    ++flood;
  CAF_CHECK(flood > 0);
  CAF_CHECK(flood <= 64);
}

CAF_TEST(datagrams wait until they are asked for) {
  auto a = open(on_loopback("127.0.0.2"));
  CAF_REQUIRE(a->announce(slice{"one"}));
  CAF_REQUIRE(a->announce(slice{"two"}));
  io.run_for(50ms);
  CAF_CHECK_EQUAL(next_text(*a), "one");
  CAF_CHECK_EQUAL(next_text(*a), "two");
}

CAF_TEST(closing cancels receiving exactly once) {
  auto a = open(on_loopback("127.0.0.2"));
  int calls = 0;
  errc code{-1};
  a->receive([&](result<datagram> x) {
    ++calls;
    code = x ? errc{-1} : x.error().code;
  });
  a->close();
  CAF_CHECK_EQUAL(calls, 0);
  io.run_for(50ms);
  CAF_CHECK_EQUAL(calls, 1);
  CAF_CHECK(code == errc::cancelled);
  auto late = next(*a);
  CAF_CHECK(!late && late.error().code == errc::cancelled);
  CAF_CHECK(!a->announce(slice{"x"}));
}

CAF_TEST(nothing keeps running after it is closed) {
  auto a = open(on_loopback("127.0.0.2"));
  a.reset();
  io.restart();
  io.run_for(1s);
  CAF_CHECK(io.stopped());
}

CAF_TEST(without a suitable interface announcing says so) {
  discovery_config config;
  config.port = test_port();
  config.interfaces = {"no-such-interface"};
  auto a = open(config);
  auto sent = a->announce(slice{"x"});
  CAF_REQUIRE(!sent);
  CAF_CHECK_EQUAL(sent.error().detail,
                  "no network of [discovery] interfaces is up");
}

CAF_TEST(a group that is not multicast is refused) {
  discovery_config config;
  config.group = "10.0.0.1";
  auto a = net::open_discovery(io.get_executor(), config);
  CAF_REQUIRE(!a);
  CAF_CHECK(a.error().code == errc::bad_config);
}

CAF_TEST_FIXTURE_SCOPE_END()
