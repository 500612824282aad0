#define CAF_SUITE address_policy

#include "core/address_policy.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

std::vector<uint8_t> bytes_of(std::string_view text) {
  auto x = parse_ip(text);
  if (!x)
    return {};
  return {x->bytes().begin(), x->bytes().end()};
}

using bytes = std::vector<uint8_t>;

bool is_public_text(std::string_view text) {
  auto x = parse_ip(text);
  CAF_REQUIRE(x.has_value());
  return is_public(*x);
}

} // namespace

CAF_TEST(addresses are parsed to bytes in network order) {
  CAF_CHECK_EQUAL(bytes_of("192.0.2.255"), (bytes{192, 0, 2, 255}));
  CAF_CHECK_EQUAL(bytes_of("::"), bytes(16));
  CAF_CHECK_EQUAL(bytes_of("1:2:3:4:5:6:7:8"),
                  (bytes{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8}));
  CAF_CHECK_EQUAL(
      bytes_of("Fe80::aBcd%eth0"),
      (bytes{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd}));
  CAF_CHECK_EQUAL(
      bytes_of("::ffff:1.2.3.4"),
      (bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}));
  CAF_CHECK_EQUAL(bytes_of("1:2:3:4:5:6:7::"),
                  (bytes{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0}));
}

CAF_TEST(what only looks like an address is none) {
  for (auto text : {"",
                    "1.2.3",
                    "1.2.3.4.5",
                    "1.2.3.256",
                    "01.2.3.4",
                    "0x7f.0.0.1",
                    "1.2.3.",
                    ".1.2.3",
                    "1..2.3",
                    "2130706433",
                    "127.1",
                    "1.2.3.4 ",
                    " 1.2.3.4",
                    "1.2.3.4%eth0",
                    "1.2.3.-4",
                    "localhost",
                    ":",
                    ":::",
                    "1::2::3",
                    "1:2",
                    "1:2:3:4:5:6:7:8:9",
                    "1:2:3:4:5:6:7:8::",
                    "12345::",
                    "g::",
                    "::1.2.3",
                    "1.2.3.4::",
                    "::1.2.3.4:5",
                    "1:2:3:4:5:6:7:1.2.3.4",
                    "fe80::1%",
                    "[::1]",
                    "::1/128",
                    "-1::",
                    "1:2:3:4:5:6:7:8:"}) {
    CAF_MESSAGE(text);
    CAF_CHECK(!parse_ip(text));
  }
}

CAF_TEST(addresses of the internet are public) {
  for (auto text :
       {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255",
        "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
        "198.20.0.0", "223.255.255.255", "11.0.0.0", "2606:4700::1111",
        "2a00:1450::1", "2001:200::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
        "2002:808:808::1"}) {
    CAF_MESSAGE(text);
    CAF_CHECK(is_public_text(text));
  }
}

CAF_TEST(special addresses are not public) {
  for (auto text : {"0.0.0.0",
                    "0.1.2.3",
                    "10.0.0.1",
                    "10.255.255.255",
                    "100.64.0.1",
                    "100.127.255.255",
                    "127.0.0.1",
                    "127.255.255.255",
                    "169.254.1.1",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.0.0.1",
                    "192.0.2.1",
                    "192.88.99.1",
                    "192.168.1.1",
                    "198.18.0.1",
                    "198.19.255.255",
                    "198.51.100.1",
                    "203.0.113.1",
                    "224.0.0.1",
                    "239.255.60.60",
                    "240.0.0.1",
                    "255.255.255.255",
                    "::",
                    "::1",
                    "fc00::1",
                    "fdff::1",
                    "fe80::1%eth0",
                    "febf::1",
                    "fec0::1",
                    "ff02::1",
                    "100::1",
                    "2001::1",
                    "2001:10::1",
                    "2001:20::1",
                    "2001:db8::1",
                    "3fff::1",
                    "4000::1",
                    "5f00::1",
                    "64:ff9b:1::8.8.8.8"}) {
    CAF_MESSAGE(text);
    CAF_CHECK(!is_public_text(text));
  }
}

CAF_TEST(an embedded address decides) {
  for (auto text :
       {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:192.168.0.1",
        "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1", "2002:c0a8:101::"}) {
    CAF_MESSAGE(text);
    CAF_CHECK(!is_public_text(text));
  }
}

CAF_TEST(a network contains the addresses that share its prefix) {
  auto x = parse_network("172.16.0.0/12").value();
  CAF_CHECK(x.contains(*parse_ip("172.31.255.255")));
  CAF_CHECK(!x.contains(*parse_ip("172.32.0.0")));
  CAF_CHECK(x.contains(*parse_ip("::ffff:172.16.0.1")));
  CAF_CHECK(!x.contains(*parse_ip("::1")));
  auto y = parse_network("fd00::/9").value();
  CAF_CHECK(y.contains(*parse_ip("fd7f::1")));
  CAF_CHECK(!y.contains(*parse_ip("fd80::1")));
  auto all = parse_network("0.0.0.0/0").value();
  CAF_CHECK(all.contains(*parse_ip("255.1.2.3")));
  auto one = parse_network("192.0.2.1").value();
  CAF_CHECK_EQUAL(one.length, 32u);
  CAF_CHECK(!one.contains(*parse_ip("192.0.2.2")));
}

CAF_TEST(a network that is not one is an error with a sentence) {
  for (auto text : {"", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.1/8",
                    "10.0.0.0/-1", "10.0.0.0/08", "x/8", "fe80::%1/64"}) {
    CAF_MESSAGE(text);
    auto x = parse_network(text);
    CAF_REQUIRE(!x);
    CAF_CHECK_EQUAL(to_string(x.error().code), to_string(errc::bad_config));
    CAF_CHECK(!x.error().detail.empty());
  }
}

CAF_TEST(the default exit is the public web) {
  exit_policy policy;
  CAF_CHECK(policy.check("8.8.8.8", 80, {}));
  CAF_CHECK(policy.check("2606:4700::1111", 443, {}));
  CAF_CHECK(!policy.check("8.8.8.8", 22, {}));
  CAF_CHECK(!policy.check("10.0.0.1", 80, {}));
  CAF_CHECK(!policy.check("::ffff:127.0.0.1", 80, {}));
  CAF_CHECK(!policy.check("example.org", 80, {}));
  auto code = policy.check("10.0.0.1", 80, {}).error().code;
  CAF_CHECK_EQUAL(to_string(code), to_string(errc::policy_refused));
}

CAF_TEST(the user may open private networks and ports) {
  exit_policy policy;
  policy.allow_private.push_back(parse_network("10.1.0.0/16").value());
  policy.ports = {8080};
  CAF_CHECK(policy.check("10.1.2.3", 8080, {}));
  CAF_CHECK(policy.check("::ffff:10.1.2.3", 8080, {}));
  CAF_CHECK(!policy.check("10.2.0.1", 8080, {}));
  CAF_CHECK(!policy.check("10.1.2.3", 80, {}));
  policy.ports.clear();
  CAF_CHECK(!policy.check("10.1.2.3", 8080, {}));
}

CAF_TEST(this device is never an exit to itself) {
  exit_policy policy;
  policy.allow_private.push_back(parse_network("192.168.0.0/16").value());
  std::vector<std::string> own{"192.168.1.5", "2606:4700::5", "127.0.0.1"};
  CAF_CHECK(!policy.check("192.168.1.5", 80, own));
  CAF_CHECK(!policy.check("::ffff:192.168.1.5", 80, own));
  CAF_CHECK(!policy.check("2606:4700:0::5", 80, own));
  CAF_CHECK(policy.check("192.168.1.6", 80, own));
}

CAF_TEST(loopback is open only to those who name it) {
  exit_policy policy;
  std::vector<std::string> own{"127.0.0.1"};
  CAF_CHECK(!policy.check("127.0.0.1", 80, own));
  policy.allow_private.push_back(parse_network("127.0.0.0/8").value());
  CAF_CHECK(policy.check("127.0.0.1", 80, own));
}

CAF_TEST(the credentials of a cloud machine stay closed whatever is allowed) {
  exit_policy policy;
  policy.allow_private.push_back(parse_network("0.0.0.0/0").value());
  policy.allow_private.push_back(parse_network("::/0").value());
  for (auto text :
       {"169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254",
        "::ffff:169.254.169.254", "64:ff9b::169.254.169.254"}) {
    CAF_MESSAGE(text);
    CAF_CHECK(!policy.check(text, 80, {}));
    CAF_CHECK(!is_public_text(text));
  }
}
