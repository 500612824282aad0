#define CAF_SUITE introduction

#include "core/introduction.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

introduction sample() {
  introduction out;
  out.agent = "peapod/1";
  out.name = "pi";
  out.capabilities = 0x01020304;
  out.versions = {1, 2};
  out.offers = {false, {}, 9, false, {}};
  return out;
}

} // namespace

CAF_TEST(an introduction has these bytes) {
  auto bytes = encode_introduction(sample()).value();
  CAF_CHECK_EQUAL(to_hex(bytes), "0800000000000000"
                                 "706561706f642f31"
                                 "0200000000000000"
                                 "7069"
                                 "04030201"
                                 "0200000000000000"
                                 "0102"
                                 "00"
                                 "00"
                                 "01"
                                 "0900000000000000"
                                 "00"
                                 "00");
  CAF_CHECK(decode_introduction(bytes).value() == sample());
}

CAF_TEST(no prefix decodes and what later versions append is ignored) {
  auto bytes = encode_introduction(sample()).value();
  for (size_t n = 0; n < bytes.size(); ++n)
    CAF_CHECK(!decode_introduction({bytes.begin(), bytes.begin() + n}));
  bytes.insert(bytes.end(), {1, 2, 3});
  CAF_CHECK(decode_introduction(bytes).value() == sample());
}

CAF_TEST(what breaks a bound is neither sent nor taken) {
  auto refused = [](auto change) {
    auto x = sample();
    change(x);
    auto sent = encode_introduction(x);
    CAF_REQUIRE(!sent);
    CAF_CHECK(sent.error().code == errc::limit_reached);
  };
  refused([](introduction& x) { x.agent.assign(max_agent_size + 1, 'a'); });
  refused([](introduction& x) { x.agent = "a\n"; });
  refused([](introduction& x) { x.agent = "ä"; });
  refused([](introduction& x) { x.versions = {1}; });
  refused([](introduction& x) { x.versions.assign(max_versions + 1, 2); });
  refused([](introduction& x) { x.offers.battery = 101; });
  auto good = encode_introduction(sample()).value();
  // The agent's end, the version 2, and the number of versions.
  for (auto [index, byte] : {std::pair{15, 0x0a}, {39, 3}, {30, 9}}) {
    auto bad = good;
    bad[static_cast<size_t>(index)] = static_cast<uint8_t>(byte);
    auto x = decode_introduction(bad);
    CAF_REQUIRE(!x);
    CAF_CHECK(x.error().code == errc::peer_misbehaved);
  }
}

CAF_TEST(a name is short and harmless on both sides) {
  auto x = sample();
  x.name = std::string(40, 'a');
  auto bytes = encode_introduction(x).value();
  CAF_CHECK_EQUAL(decode_introduction(bytes).value().name,
                  std::string(32, 'a'));
  bytes = encode_introduction(sample()).value();
  bytes[24] = 0x1b;
  CAF_CHECK_EQUAL(decode_introduction(bytes).value().name, " i");
}

CAF_TEST(the longest introduction leaves room in a message) {
  introduction x;
  x.agent.assign(max_agent_size, 'a');
  x.name.assign(32, 'n');
  x.versions.assign(max_versions, newest_protocol);
  x.offers = {true, 1, 1, true, 100};
  // With keys and tags of the first message, 96 bytes.
  CAF_CHECK(encode_introduction(x).value().size() + 96 < 400);
}
