#define CAF_SUITE stun

#include "core/stun.hpp"

#include <caf/test/unit_test.hpp>

#include <chrono>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

stun_id id_of(const char* hex) {
  return stun_id::from(from_hex(hex));
}

const stun_id id = id_of("b7e7a701bc34d686fa87dfae");

/// An answer with these attributes, in hexadecimal.
byte_buffer answer(const std::string& attributes, const char* type = "0101",
                   const char* to = "b7e7a701bc34d686fa87dfae") {
  auto size = attributes.size() / 2;
  constexpr auto digits = "0123456789abcdef";
  std::string length{'0', '0', digits[size / 16 % 16], digits[size % 16]};
  return from_hex(type + length + "2112a442" + to + attributes);
}

/// Its address and port as text, or the code of the error.
std::string read(const byte_buffer& in) {
  auto out = read_stun_answer(in, id);
  if (!out)
    return std::string{to_string(out.error().code)};
  return to_hex(out->address.bytes()) + " " + std::to_string(out->port);
}

/// XOR-MAPPED-ADDRESS of 192.0.2.1:32853 (RFC 5769, 2.2).
const std::string v4 = "002000080001a147e112a643";
const std::string plain_v4 = "0001000800018055c0000202";

} // namespace

CAF_TEST(a request has the type the cookie and the id) {
  CAF_CHECK_EQUAL(to_hex(make_stun_request(id)),
                  "000100002112a442b7e7a701bc34d686fa87dfae");
}

CAF_TEST(the answers of RFC 5769 are read) {
  // 2.2 and 2.3, with all of their attributes.
  auto software = std::string{"8022000b7465737420766563746f7220"};
  auto rest = std::string{"000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
                          "80280004c07d4c96"};
  CAF_CHECK_EQUAL(read(answer(software + v4 + rest)), "c0000201 32853");
  auto v6 = std::string{"002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"};
  CAF_CHECK_EQUAL(read(answer(software + v6)), "20010db81234567800112233445566"
                                               "77 32853");
}

CAF_TEST(of two addresses the covered one counts and of two alike the first) {
  CAF_CHECK_EQUAL(read(answer(plain_v4)), "c0000202 32853");
  CAF_CHECK_EQUAL(read(answer(plain_v4 + v4)), "c0000201 32853");
  CAF_CHECK_EQUAL(read(answer(v4 + "002000080001a147e112a644")),
                  "c0000201 32853");
}

CAF_TEST(what does not answer the question is ignored) {
  auto ignored = std::string{to_string(errc::not_found)};
  CAF_CHECK_EQUAL(read({}), ignored);
  CAF_CHECK_EQUAL(read(answer(v4, "0101", "000000000000000000000000")),
                  ignored);
  CAF_CHECK_EQUAL(read(answer(v4, "0001")), ignored); // a request
  CAF_CHECK_EQUAL(read(answer(v4, "0011")), ignored); // an indication
  auto other = answer(v4);
  other[4] ^= 1; // the cookie
  CAF_CHECK_EQUAL(read(other), ignored);
}

CAF_TEST(what breaks the rules is an error) {
  auto broken = std::string{to_string(errc::bad_http)};
  CAF_CHECK_EQUAL(read(answer("")), broken); // no address
  CAF_CHECK_EQUAL(read(answer("002000040001a147")), broken);
  CAF_CHECK_EQUAL(read(answer("002000080003a147e112a643")), broken);
  CAF_CHECK_EQUAL(read(answer("002000080002a147e112a643")), broken);
  CAF_CHECK_EQUAL(read(answer("002000090001a147e112a643")), broken);
  CAF_CHECK_EQUAL(read(answer(v4 + "00200000" + "00")), broken);
  // An attribute that has to be understood, and one that need not be.
  CAF_CHECK_EQUAL(read(answer(v4 + "00300000")), broken);
  CAF_CHECK_EQUAL(read(answer(v4 + "ff000000")), "c0000201 32853");
  auto cut = answer(v4);
  cut.pop_back();
  CAF_CHECK_EQUAL(read(cut), broken);
}

CAF_TEST(a refusal is told with its code) {
  auto out = read_stun_answer(answer("0009000400000414", "0111"), id);
  CAF_REQUIRE(!out);
  CAF_CHECK_EQUAL(out.error().code, errc::origin_refused);
  CAF_CHECK(out.error().detail.ends_with(" 420"));
  CAF_CHECK_EQUAL(read(answer("", "0111")),
                  std::string{to_string(errc::origin_refused)});
}

CAF_TEST(a question is repeated as RFC 8489 says and then given up) {
  stun_query q{id};
  CAF_CHECK(!q.poll());
  CAF_CHECK(!q.deadline());
  instant begin{1h};
  q.start(begin);
  std::vector<int64_t> sent;
  auto now = begin;
  while (!q.outcome()) {
    if (q.poll())
      sent.push_back((now - begin) / 1ms);
    CAF_CHECK(!q.poll()); // once each time
    CAF_REQUIRE(q.deadline());
    q.expire(now); // before its time: harmless
    now = *q.deadline();
    q.expire(now);
  }
  CAF_CHECK_EQUAL(
      sent, (std::vector<int64_t>{0, 500, 1500, 3500, 7500, 15500, 31500}));
  CAF_CHECK_EQUAL((now - begin) / 1ms, 39500);
  CAF_CHECK_EQUAL(q.outcome()->error().code, errc::timed_out);
  CAF_CHECK(!q.deadline());
}

CAF_TEST(a question ends with its own answer alone) {
  stun_query q{id};
  q.receive(answer(v4)); // before it was asked
  CAF_CHECK(!q.outcome());
  q.start({});
  CAF_CHECK(q.poll());
  q.receive(answer(v4, "0101", "000000000000000000000000"));
  CAF_CHECK(!q.outcome());
  q.receive(answer(v4));
  CAF_REQUIRE(q.outcome() && *q.outcome());
  CAF_CHECK_EQUAL((*q.outcome())->port, 32853u);
  CAF_CHECK(!q.deadline());
  q.expire(instant{1h});
  CAF_CHECK(!q.poll());
}
