#define CAF_SUITE datagram_gate

#include "core/datagram_gate.hpp"

#include <string>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::literals;

namespace {

constexpr instant start{1h};

std::string address(size_t x) {
  return "10." + std::to_string(x >> 16 & 255) + '.'
         + std::to_string(x >> 8 & 255) + '.' + std::to_string(x & 255);
}

/// How many of `count` datagrams of one source at a time are looked at.
size_t admitted(datagram_gate& gate, const std::string& from, size_t count,
                instant now) {
  size_t out = 0;
  for (size_t i = 0; i < count; ++i)
    out += gate.admit(from, now) ? 1 : 0;
  return out;
}

} // namespace

CAF_TEST(a source has a burst and then a rate) {
  datagram_gate gate;
  CAF_CHECK_EQUAL(admitted(gate, "10.0.0.1", 1000, start), 40u);
  CAF_CHECK_EQUAL(admitted(gate, "10.0.0.1", 1000, start + 1s), 20u);
  CAF_CHECK_EQUAL(admitted(gate, "10.0.0.1", 1000, start + 1h), 40u);
  CAF_CHECK_EQUAL(admitted(gate, "10.0.0.2", 1000, start), 40u);
}

CAF_TEST(all sources together have a rate) {
  datagram_gate gate;
  size_t first = 0;
  size_t later = 0;
  for (size_t i = 0; i < 200; ++i)
    first += admitted(gate, address(i), 10, start);
  for (size_t i = 0; i < 200; ++i)
    later += admitted(gate, address(i), 10, start + 1s);
  CAF_CHECK_EQUAL(first, 512u);
  CAF_CHECK_EQUAL(later, 400u);
}

CAF_TEST(a network of IPv6 counts as one source but neighbours as many) {
  datagram_gate gate;
  CAF_CHECK_EQUAL(admitted(gate, "2001:db8::1", 30, start), 30u);
  CAF_CHECK_EQUAL(admitted(gate, "2001:db8::2", 30, start), 10u);
  CAF_CHECK_EQUAL(admitted(gate, "fe80::1%eth0", 30, start), 30u);
  CAF_CHECK_EQUAL(admitted(gate, "fe80::2%eth0", 30, start), 30u);
}

CAF_TEST(a flood from any number of addresses leaves room for who was heard) {
  datagram_gate gate;
  CAF_CHECK(gate.admit("192.0.2.1", start));
  size_t flood = 0;
  size_t heard = 0;
  for (size_t i = 0; i < 100'000; ++i) {
    auto now = start + i * 100us; // 10,000 a second for 10 s
    flood += gate.admit(address(i), now) ? 1 : 0;
    if (i % 10'000 == 9'999)
      heard += gate.admit("192.0.2.1", now) ? 1 : 0;
  }
  CAF_CHECK_EQUAL(heard, 10u);
  CAF_CHECK_EQUAL(gate.sources(), 256u);
  CAF_CHECK(flood <= 256u + 40u + 10u * 20u);
}

CAF_TEST(who is silent loses its place only to others) {
  datagram_gate gate{{400, 512, 20, 40, 2, 30s}};
  CAF_CHECK(gate.admit("10.0.0.1", start));
  CAF_CHECK(gate.admit("10.0.0.2", start + 20s));
  CAF_CHECK(gate.admit("10.0.0.3", start + 29s));
  CAF_CHECK_EQUAL(gate.sources(), 2u);
  CAF_CHECK(gate.admit("10.0.0.3", start + 31s));
  CAF_CHECK_EQUAL(gate.sources(), 2u);
  // The third has the place of the first, which shares what is left.
  CAF_CHECK_EQUAL(admitted(gate, "10.0.0.3", 100, start + 31s), 39u);
}
