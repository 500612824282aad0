#define CAF_SUITE handshake_gate

#include "core/handshake_gate.hpp"

#include <optional>
#include <vector>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::literals;

namespace {

constexpr instant now{1h};

} // namespace

CAF_TEST(one address has only a few connections open) {
  handshake_gate gate{{10, 2, 99, 99}};
  auto one = gate.enter("192.0.2.1", now);
  auto two = gate.enter("192.0.2.1", now);
  CAF_CHECK(one && two);
  CAF_CHECK(!gate.enter("192.0.2.1", now));
  CAF_CHECK(gate.enter("192.0.2.2", now));
  one.reset();
  CAF_CHECK(gate.enter("192.0.2.1", now));
  CAF_CHECK_EQUAL(gate.open(), 1u);
}

CAF_TEST(all addresses together have a bound) {
  handshake_gate gate{{3, 2, 99, 99}};
  std::vector<handshake_gate::ticket> held;
  for (auto address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    held.push_back(gate.enter(address, now));
  CAF_CHECK(held.back() != nullptr);
  CAF_CHECK(!gate.enter("192.0.2.4", now));
  held.clear();
  CAF_CHECK_EQUAL(gate.open(), 0u);
}

CAF_TEST(a device cannot pass for many by the addresses of its network) {
  CAF_CHECK_EQUAL(gate_name("2001:db8::1"), gate_name("2001:db8::2:3:4:5"));
  CAF_CHECK_NOT_EQUAL(gate_name("2001:db8::1"), gate_name("2001:db8:0:1::1"));
  CAF_CHECK_NOT_EQUAL(gate_name("fe80::1%eth0"), gate_name("fe80::2%eth0"));
  CAF_CHECK_EQUAL(gate_name("::ffff:192.0.2.1"), gate_name("192.0.2.1"));
  CAF_CHECK_NOT_EQUAL(gate_name("192.0.2.1"), gate_name("192.0.2.2"));
}

CAF_TEST(whoever waits on a link waits at one place with all its addresses) {
  CAF_CHECK_EQUAL(waiting_place("fe80::1%eth0"), waiting_place("fe80::2%eth0"));
  CAF_CHECK_NOT_EQUAL(waiting_place("fe80::1%eth0"),
                      waiting_place("fe80::1%eth1"));
  CAF_CHECK_EQUAL(waiting_place("2001:db8::1"), gate_name("2001:db8::1"));
  CAF_CHECK_EQUAL(waiting_place("192.0.2.1"), gate_name("192.0.2.1"));
  CAF_CHECK(is_link_local("fe80::1%eth0"));
  CAF_CHECK(!is_link_local("fec0::1"));
  CAF_CHECK(!is_link_local("192.0.2.1"));
  CAF_CHECK(!is_link_local("nonsense"));
}

CAF_TEST(a ticket may outlive its gate) {
  std::optional<handshake_gate> gate{std::in_place};
  auto held = gate->enter("192.0.2.1", now);
  gate.reset();
  CAF_CHECK(held != nullptr);
  held.reset();
}

CAF_TEST(one address may begin only a few in a second) {
  handshake_gate gate{{99, 99, 6, 2}};
  for (auto i = 0; i < 2; ++i)
    CAF_CHECK(gate.enter("192.0.2.1", now));
  CAF_CHECK(!gate.enter("192.0.2.1", now + 999ms));
  CAF_CHECK(gate.enter("192.0.2.2", now + 999ms));
  CAF_CHECK(gate.enter("192.0.2.1", now + 1s));
}

CAF_TEST(all addresses together begin only a few in a second) {
  handshake_gate gate{{99, 99, 3, 2}};
  size_t begun = 0;
  for (auto address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"})
    begun += gate.enter(address, now) ? 1 : 0;
  CAF_CHECK_EQUAL(begun, 3u);
}
