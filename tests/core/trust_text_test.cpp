#define CAF_SUITE trust_text

#include "core/trust_text.hpp"

#include "core/wire_message.hpp"

#include <caf/test/unit_test.hpp>

#include <rapidcheck.h>

using namespace peapod;

namespace {

public_key key_of(uint8_t n) {
  public_key out;
  out.bytes.fill(n);
  return out;
}

trust_store sample() {
  trust_store out;
  CAF_REQUIRE(
      out.trust(key_of(0x11), "phone", 1'800'000'000, trust_origin::paired));
  CAF_REQUIRE(
      out.trust(key_of(0x22), "Küche", 1'800'000'060, trust_origin::secret));
  out.note_protocol(key_of(0x22), 2);
  out.note_protocol(key_of(0x33), 1);
  CAF_REQUIRE(out.untrust(key_of(0x44)));
  return out;
}

constexpr std::string_view sample_text = R"({
  "version": 1,
  "devices": [
    {"key":"1111111111111111111111111111111111111111111111111111111111111111","name":"phone","since":1800000000,"by":"paired","protocol":0},
    {"key":"2222222222222222222222222222222222222222222222222222222222222222","name":"Küche","since":1800000060,"by":"secret","protocol":2}
  ],
  "known": [
    {"key":"3333333333333333333333333333333333333333333333333333333333333333","protocol":1,"refused":false},
    {"key":"4444444444444444444444444444444444444444444444444444444444444444","protocol":0,"refused":true}
  ]
}
)";

/// Why a text is refused.
std::string refusal(std::string_view text) {
  auto out = parse_trust(text);
  CAF_REQUIRE(!out);
  CAF_CHECK(out.error().code == errc::bad_config);
  return out.error().detail;
}

/// Why the sample is refused once `from` is replaced by `to`.
std::string refusal_with(std::string_view from, std::string_view to) {
  std::string text{sample_text};
  auto at = text.find(from);
  CAF_REQUIRE(at != std::string::npos);
  return refusal(text.replace(at, from.size(), to));
}

} // namespace

CAF_TEST(a store has this text) {
  CAF_CHECK_EQUAL(trust_text(sample()), sample_text);
  CAF_CHECK(parse_trust(sample_text).value() == sample());
  CAF_CHECK_EQUAL(trust_text({}), "{\n  \"version\": 1,\n  \"devices\": [],\n"
                                  "  \"known\": []\n}\n");
}

CAF_TEST(who was a peer without a persons word has it said) {
  trust_store x;
  x.note_peer(key_of(0x33), 2);
  auto text = trust_text(x);
  CAF_CHECK(text.find(R"("refused":false,"peer":true})") != text.npos);
  CAF_CHECK(parse_trust(text).value() == x);
}

CAF_TEST(every store is read as it was written) {
  CAF_CHECK(rc::check([] {
    trust_store x;
    for (auto n : *rc::gen::arbitrary<std::vector<uint8_t>>()) {
      auto name = *rc::gen::arbitrary<std::string>();
      auto since = *rc::gen::arbitrary<uint64_t>();
      auto origin = *rc::gen::element(trust_origin::paired,
                                      trust_origin::secret, trust_origin::open);
      switch (n % 5) {
        case 0:
          RC_ASSERT(x.trust(key_of(n / 5), name, since, origin).has_value());
          break;
        case 1:
          RC_ASSERT(x.untrust(key_of(n / 5)).has_value());
          break;
        case 2:
          x.rename(key_of(n / 5), name);
          break;
        case 3:
          x.note_peer(key_of(n / 5), *rc::gen::arbitrary<uint8_t>());
          break;
        default:
          x.note_protocol(key_of(n / 5), *rc::gen::arbitrary<uint8_t>());
      }
    }
    auto read = parse_trust(trust_text(x));
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == x);
  }));
}

CAF_TEST(the largest store fits) {
  trust_store x;
  for (unsigned i = 0; i < trust_store::max_keys; ++i) {
    auto each = key_of(0xff);
    each.bytes[0] = static_cast<uint8_t>(i);
    each.bytes[1] = static_cast<uint8_t>(i >> 8);
    CAF_REQUIRE(x.trust(each, std::string(max_name_size, '"'),
                        trust_store::max_since, trust_origin::secret));
    x.note_protocol(each, 255);
  }
  CAF_CHECK(parse_trust(trust_text(x)).value() == x);
}

CAF_TEST(what is not all there is an error and never an empty store) {
  CAF_CHECK_EQUAL(refusal(""), "it is not a JSON object");
  CAF_CHECK_EQUAL(refusal("[]"), "it is not a JSON object");
  CAF_CHECK_EQUAL(refusal("{}"), "it has no version");
  for (size_t n = 0; n + 2 < sample_text.size(); ++n)
    CAF_CHECK(!parse_trust(sample_text.substr(0, n)));
  CAF_CHECK(!parse_trust(std::string{sample_text} + "x"));
  CAF_CHECK(!parse_trust(std::string(max_trust_text + 1, ' ')));
  CAF_CHECK_EQUAL(refusal("{\"version\": 1, \"devices\": [], \"a\": 0}"),
                  "the list \"known\" is missing");
}

CAF_TEST(another version is refused by its number) {
  CAF_CHECK_EQUAL(refusal_with("\"version\": 1", "\"version\": 2"),
                  "it is of version 2, and this PeaPod knows version 1 only");
  CAF_CHECK_EQUAL(refusal_with("\"version\": 1", "\"version\": -1"),
                  "it has no version");
}

CAF_TEST(a wrong member is named with its place) {
  CAF_CHECK_EQUAL(refusal_with("2222", "222"),
                  "device 2 of \"devices\" has a wrong key");
  CAF_CHECK_EQUAL(refusal_with("phone", "tab\\tlet"),
                  "device 1 of \"devices\" has a wrong name");
  CAF_CHECK_EQUAL(refusal_with("1800000060", "1.5"),
                  "device 2 of \"devices\" has a wrong since");
  CAF_CHECK_EQUAL(refusal_with("1800000060", "-1"),
                  "device 2 of \"devices\" has a wrong since");
  CAF_CHECK_EQUAL(refusal_with("\"by\":\"secret\"", "\"by\":\"luck\""),
                  "device 2 of \"devices\" has a wrong by");
  CAF_CHECK_EQUAL(refusal_with("\"protocol\":2", "\"protocol\":256"),
                  "device 2 of \"devices\" has a wrong protocol");
  CAF_CHECK_EQUAL(refusal_with("\"protocol\":1", "\"protocol\":0"),
                  "device 1 of \"known\" has a wrong protocol");
  CAF_CHECK_EQUAL(refusal_with("\"refused\":true", "\"refused\":1"),
                  "device 2 of \"known\" has a wrong refused");
  CAF_CHECK_EQUAL(refusal_with(",\"protocol\":0", ""),
                  "device 1 of \"devices\" has no protocol");
  CAF_CHECK_EQUAL(refusal_with("\"protocol\":0", "\"protocol\":0,\"x\":0"),
                  "device 1 of \"devices\" has an unknown member");
}

CAF_TEST(a key that stands there twice is refused) {
  std::string ones(64, '1');
  CAF_CHECK_EQUAL(refusal_with(std::string(64, '2'), ones),
                  "device 2 of \"devices\" has a key that stands there twice");
  CAF_CHECK_EQUAL(refusal_with(std::string(64, '3'), ones),
                  "device 1 of \"known\" has a key that stands there twice");
}
