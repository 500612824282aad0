#include "hosts/net/network_watch.hpp"

#include "hosts/net/boot_clock.hpp"
#include "hosts/net/interfaces.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#define CAF_SUITE network_watch
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

CAF_TEST(closing cancels waiting exactly once and leaves nothing running) {
  boost::asio::io_context io;
  auto watch = net::watch_network(io.get_executor(), {});
  int calls = 0;
  errc code{-1};
  watch->wait([&](result<network_change> x) {
    ++calls;
    code = x ? errc{-1} : x.error().code;
  });
  io.run_for(50ms);
  CAF_CHECK_EQUAL(calls, 0);
  watch->close();
  CAF_CHECK_EQUAL(calls, 0);
  io.restart();
  io.run_for(1s);
  CAF_CHECK_EQUAL(calls, 1);
  CAF_CHECK(code == errc::cancelled);
  CAF_CHECK(io.stopped());
}

CAF_TEST(a process that did not run is told for how long) {
  boost::asio::io_context io;
  auto epoch = std::make_shared<net::network_epoch>();
  auto watch = net::watch_network(io.get_executor(), {}, epoch);
  std::optional<network_change> got;
  auto begin = std::chrono::steady_clock::now();
  // The first look, then none for longer than the detector waits.
  while (std::chrono::steady_clock::now() < begin + 1100ms)
    io.run_one_for(100ms);
  auto stopped = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < stopped + 5200ms)
    std::this_thread::yield();
  watch->wait([&](result<network_change> x) {
    if (x)
      got = std::move(*x);
  });
  while (!got && std::chrono::steady_clock::now() < stopped + 15s)
    io.run_one_for(100ms);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK(got->away >= 5s);
  CAF_CHECK(got->away < 15s);
  CAF_CHECK(epoch->number() > 0);
  CAF_CHECK(std::ranges::count(got->addresses, "127.0.0.1") == 1);
}

CAF_TEST(the clock of the machine does not go backwards) {
  auto first = net::boot_time();
  auto second = net::boot_time();
  CAF_CHECK(first.time_since_epoch() > 0s);
  CAF_CHECK(first <= second);
}

CAF_TEST(link local addresses are told with their interface) {
  net::network_interface x;
  x.name = "eth0";
  x.address = "fe80::1";
  CAF_CHECK(net::is_link_local(x));
  CAF_CHECK_EQUAL(net::address_with_zone(x), "fe80::1%eth0");
  x.address = "2001:db8::1";
  CAF_CHECK(!net::is_link_local(x));
  CAF_CHECK_EQUAL(net::address_with_zone(x), "2001:db8::1");
  x.address = "10.0.0.1";
  CAF_CHECK_EQUAL(net::address_with_zone(x), "10.0.0.1");
}
