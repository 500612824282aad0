#define CAF_SUITE handshake_gate

#include "core/handshake_gate.hpp"

#include <optional>
#include <vector>

#include <caf/test/unit_test.hpp>

using namespace peapod;

CAF_TEST(one address has only a few connections open) {
  handshake_gate gate{{10, 2}};
  auto one = gate.enter("192.0.2.1");
  auto two = gate.enter("192.0.2.1");
  CAF_CHECK(one && two);
  CAF_CHECK(!gate.enter("192.0.2.1"));
  CAF_CHECK(gate.enter("192.0.2.2"));
  one.reset();
  CAF_CHECK(gate.enter("192.0.2.1"));
  CAF_CHECK_EQUAL(gate.open(), 1u);
}

CAF_TEST(all addresses together have a bound) {
  handshake_gate gate{{3, 2}};
  std::vector<handshake_gate::ticket> held;
  for (auto address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    held.push_back(gate.enter(address));
  CAF_CHECK(held.back() != nullptr);
  CAF_CHECK(!gate.enter("192.0.2.4"));
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

CAF_TEST(a ticket may outlive its gate) {
  std::optional<handshake_gate> gate{std::in_place};
  auto held = gate->enter("192.0.2.1");
  gate.reset();
  CAF_CHECK(held != nullptr);
  held.reset();
}
