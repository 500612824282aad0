#define CAF_SUITE records

#include "core/records.hpp"

#include "tests/core/noise_fixture.hpp"

#include <rapidcheck.h>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

noise::cipher_state key_of(uint8_t seed, uint64_t nonce = 0) {
  noise::cipher_state out;
  std::array<uint8_t, noise::key_size> key;
  key.fill(seed);
  out.initialize_key(key);
  out.set_nonce(nonce);
  return out;
}

byte_buffer random_buffer(size_t size) {
  byte_buffer out(size);
  seeded_random(size)(out);
  return out;
}

byte_buffer copy_of(const slice& x) {
  return {x.bytes().begin(), x.bytes().end()};
}

/// Both ends of one direction.
struct records_fixture {
  explicit records_fixture(uint64_t nonce = 0)
    : out(key_of(1, nonce)), in(key_of(1, nonce)) {}

  byte_buffer seal(const byte_buffer& text) {
    return copy_of(out.seal({text}).value());
  }

  /// Everything that comes of `bytes`, given to it in portions.
  result<std::vector<byte_buffer>> open(std::span<const uint8_t> bytes,
                                        size_t portion = SIZE_MAX) {
    std::vector<byte_buffer> texts;
    while (!bytes.empty()) {
      auto piece = bytes.first(std::min(portion, bytes.size()));
      bytes = bytes.subspan(piece.size());
      while (!piece.empty()) {
        auto text = in.read(piece);
        if (!text)
          return text.error();
        if (*text)
          texts.push_back(copy_of(**text));
      }
    }
    return texts;
  }

  record_sealer out;
  record_opener in;
};

const byte_buffer hello{'h', 'e', 'l', 'l', 'o'};

} // namespace

CAF_TEST(a record is a length a ciphertext and a tag) {
  records_fixture f;
  auto record = f.seal(hello);
  CAF_CHECK_EQUAL(record.size(), 4 + hello.size() + 16);
  CAF_CHECK_EQUAL(to_hex(std::span{record}.first(4)), "15000000");
  byte_buffer expected(hello.size() + 16);
  auto key = key_of(1);
  std::span<const uint8_t> text{hello};
  CAF_REQUIRE(key.encrypt_with_ad({}, std::array{text}, expected));
  CAF_CHECK(std::ranges::equal(std::span{record}.subspan(4), expected));
}

CAF_TEST(records open in whatever portions they come) {
  auto holds = [] {
    auto sizes = *rc::gen::container<std::vector<uint16_t>>(
        rc::gen::inRange<uint16_t>(0, 3000));
    auto portion = *rc::gen::inRange<size_t>(1, 4000);
    records_fixture f;
    std::vector<byte_buffer> texts;
    byte_buffer wire;
    for (auto size : sizes) {
      texts.push_back(random_buffer(size));
      auto record = f.seal(texts.back());
      wire.insert(wire.end(), record.begin(), record.end());
    }
    RC_ASSERT(f.open(wire, portion).value() == texts);
    RC_ASSERT(!f.in.is_within_record());
  };
  CAF_CHECK(rc::check("records", holds));
}

CAF_TEST(two records open when they are cut at any byte) {
  records_fixture sender;
  auto wire = sender.seal(hello);
  auto second = sender.seal({});
  wire.insert(wire.end(), second.begin(), second.end());
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    records_fixture f;
    auto before = f.open(std::span{wire}.first(cut)).value();
    CAF_CHECK_EQUAL(f.in.is_within_record(),
                    cut != 0 && cut != 25 && cut != wire.size());
    auto after = f.open(std::span{wire}.subspan(cut)).value();
    before.insert(before.end(), after.begin(), after.end());
    CAF_CHECK(before == (std::vector<byte_buffer>{hello, {}}));
  }
}

CAF_TEST(what follows a record is left for the next call) {
  records_fixture f;
  auto wire = f.seal(hello);
  auto size = wire.size();
  wire.push_back(0xee);
  std::span<const uint8_t> in{wire};
  auto text = f.in.read(in);
  CAF_REQUIRE(text && *text);
  CAF_CHECK_EQUAL(in.size(), wire.size() - size);
  in = {};
  CAF_CHECK(!*f.in.read(in));
}

CAF_TEST(parts are sealed as one text) {
  records_fixture f;
  byte_buffer rest{'!'};
  auto record = f.out.seal({hello, {}, rest}).value();
  auto texts = f.open(record.bytes()).value();
  CAF_CHECK(texts
            == (std::vector<byte_buffer>{{'h', 'e', 'l', 'l', 'o', '!'}}));
}

CAF_TEST(a record has at most 65519 bytes of text) {
  records_fixture f;
  auto text = random_buffer(max_record_text);
  auto record = f.seal(text);
  CAF_CHECK_EQUAL(record.size(), 4 + noise::max_message_size);
  CAF_CHECK(f.open(record, 1000).value().at(0) == text);
  text.push_back(0);
  auto sealed = f.out.seal({text});
  CAF_REQUIRE(!sealed);
  CAF_CHECK(sealed.error().code == errc::limit_reached);
  CAF_CHECK(f.open(f.seal(hello)).value().at(0) == hello);
}

CAF_TEST(lengths that no record has end the session at the fourth byte) {
  for (const auto* hex :
       {"00000000", "0f000000", "00000100", "10000001", "ffffffff"}) {
    records_fixture f;
    auto opened = f.open(from_hex(hex));
    CAF_REQUIRE(!opened);
    CAF_CHECK(opened.error().code == errc::peer_misbehaved);
    CAF_CHECK(!f.open(f.seal(hello)));
  }
  CAF_CHECK(records_fixture{}.open(from_hex("10000000")));
  CAF_CHECK(records_fixture{}.open(from_hex("ffff0000")));
}

CAF_TEST(any bit changed in a record ends the session) {
  auto good = records_fixture{}.seal(hello);
  for (size_t i = 0; i < good.size() * 8; ++i) {
    records_fixture f;
    auto bad = f.seal(hello);
    bad[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
    auto next = f.seal(hello);
    bad.insert(bad.end(), next.begin(), next.end());
    auto opened = f.open(bad);
    // A longer length waits for bytes that are not there.
    CAF_CHECK(!opened || opened->empty());
    if (i / 8 >= 4) {
      CAF_REQUIRE(!opened);
      CAF_CHECK(opened.error().code == errc::integrity_failed);
      auto again = f.open(good);
      CAF_REQUIRE(!again);
      CAF_CHECK(again.error() == opened.error());
    }
  }
}

CAF_TEST(records that are replayed left out or swapped do not open) {
  records_fixture replay;
  auto first = replay.seal(hello);
  CAF_CHECK(replay.open(first));
  CAF_CHECK(!replay.open(first));
  records_fixture gap;
  gap.seal(hello);
  CAF_CHECK(!gap.open(gap.seal(hello)));
  records_fixture swapped;
  first = swapped.seal(hello);
  CAF_CHECK(!swapped.open(swapped.seal(hello)));
}

CAF_TEST(a direction has a key of its own) {
  record_sealer other{key_of(2)};
  records_fixture f;
  auto record = other.seal({hello}).value();
  CAF_CHECK(!f.open(record.bytes()));
}

CAF_TEST(the key changes after 65536 records and the nonce does not ) {
  records_fixture f{rekey_interval - 1};
  auto last = f.seal(hello);
  auto first = f.seal(hello);
  auto second = f.seal(hello);
  CAF_CHECK(f.open(last).value().at(0) == hello);
  CAF_CHECK(f.open(first).value().at(0) == hello);
  CAF_CHECK(f.open(second).value().at(0) == hello);
  auto key = key_of(1);
  key.rekey();
  key.set_nonce(rekey_interval);
  byte_buffer expected(hello.size() + 16);
  std::span<const uint8_t> text{hello};
  CAF_REQUIRE(key.encrypt_with_ad({}, std::array{text}, expected));
  CAF_CHECK(std::ranges::equal(std::span{first}.subspan(4), expected));
}

CAF_TEST(records go on through two changes of key) {
  records_fixture f;
  byte_buffer text{1};
  for (uint64_t i = 0; i < 2 * rekey_interval + 2; ++i) {
    auto record = f.out.seal({text}).value();
    auto bytes = record.bytes();
    auto opened = f.in.read(bytes);
    if (!opened || !*opened || copy_of(**opened) != text)
      CAF_FAIL("record " << i << " did not open");
  }
}

CAF_TEST(used up nonces end both directions) {
  records_fixture f{UINT64_MAX - 1};
  auto last = f.seal(hello);
  auto sealed = f.out.seal({hello});
  CAF_REQUIRE(!sealed);
  CAF_CHECK(sealed.error().code == errc::limit_reached);
  CAF_CHECK(f.open(last));
  auto opened = f.open(last);
  CAF_REQUIRE(!opened);
  CAF_CHECK(opened.error().code == errc::limit_reached);
}

CAF_TEST(a text outlives its opener) {
  slice text;
  {
    records_fixture f;
    auto record = f.seal(hello);
    std::span<const uint8_t> in{record};
    text = f.in.read(in).value().value();
  }
  CAF_CHECK(copy_of(text) == hello);
}
