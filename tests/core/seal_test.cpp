#define CAF_SUITE seal

#include "core/seal.hpp"

#include "core/integrity.hpp"
#include "core/wire_codec.hpp"
#include "tests/core/vectors.hpp"

#include <sodium.h>

#include <array>
#include <random>

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

session_key key_of(const boost::json::value& x) {
  auto bytes = vectors::bytes(x);
  return session_key{std::span<const uint8_t>{bytes}.first<32>()};
}

/// Ciphertext and tag without the length.
slice body_of(const slice& record) {
  return record.sub(4);
}

result<byte_buffer> open_with(opener& from, byte_buffer record) {
  auto text = from.open(record);
  if (!text)
    return text.error();
  return byte_buffer{text->begin(), text->end()};
}

std::array<uint8_t, 12> nonce_of(uint64_t counter) {
  std::array<uint8_t, 12> out{};
  for (size_t i = 0; i < 8; ++i)
    out[4 + i] = static_cast<uint8_t>(counter >> (8 * i));
  return out;
}

} // namespace

CAF_TEST(sealing and opening give the bytes of the reference) {
  for (const auto& x : vectors::section("aead")) {
    auto key = key_of(x.at("key"));
    auto nonce = vectors::number(x.at("nonce"));
    auto plain = vectors::bytes(x.at("plaintext"));
    auto record = sealer{key, nonce}.seal({plain});
    CAF_REQUIRE(record);
    CAF_CHECK_EQUAL(to_hex(body_of(*record).bytes()),
                    vectors::text(x.at("ciphertext_and_tag")));
    CAF_CHECK_EQUAL(read_frame_length(record->bytes()), record->size() - 4);
    opener in{key, nonce};
    auto opened = open_with(in, vectors::bytes(x.at("ciphertext_and_tag")));
    CAF_REQUIRE(opened);
    CAF_CHECK(*opened == plain);
  }
}

CAF_TEST(what the reference refuses to open is refused) {
  for (const auto& x : vectors::section("aead_rejects")) {
    CAF_MESSAGE(vectors::text(x.at("name")));
    opener in{key_of(x.at("key")), vectors::number(x.at("nonce"))};
    auto opened = open_with(in, vectors::bytes(x.at("ciphertext_and_tag")));
    CAF_REQUIRE(!opened);
    CAF_CHECK(opened.error().code == errc::integrity_failed);
  }
}

CAF_TEST(a conversation has the bytes of the reference in both directions) {
  auto pair = vectors::section("pairs").at(0);
  auto key = key_of(pair.at("session_key"));
  std::array<sealer, 2> out{sealer{key}, sealer{key}};
  std::array<opener, 2> in{opener{key}, opener{key}};
  for (const auto& x : vectors::section("transport_0_1")) {
    auto from = vectors::number(x.at("from_identity"));
    auto frame = encode_frame(vectors::message(x.at("message"))).value();
    CAF_CHECK_EQUAL(to_hex(frame), vectors::text(x.at("plaintext_frame")));
    auto record = out[from].seal({frame}).value();
    CAF_CHECK_EQUAL(to_hex(record.bytes()), vectors::text(x.at("on_wire")));
    CAF_CHECK_EQUAL(to_hex(body_of(record).bytes()),
                    vectors::text(x.at("ciphertext_and_tag")));
    auto opened =
        open_with(in[from], vectors::bytes(x.at("ciphertext_and_tag")));
    CAF_REQUIRE(opened);
    CAF_CHECK(*opened == frame);
  }
}

CAF_TEST(a big chunk seals to the bytes of the reference) {
  const auto& x = vectors::all().at("chunkdata_256k");
  slice payload{vectors::payload_256k()};
  auto hash = sha256(payload.bytes());
  chunk_data message{
      vectors::id<transfer_id>("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
      {0, payload.size()},
      hash,
      payload,
      {}};
  auto frame = encode_frame(message).value();
  CAF_CHECK_EQUAL(frame.size(), vectors::number(x.at("frame_len")));
  CAF_CHECK_EQUAL(to_string(sha256(frame)),
                  vectors::text(x.at("frame_sha256")));
  auto parts = encode_frame_parts(message).value();
  sealer out{key_of(x.at("key")), vectors::number(x.at("nonce"))};
  auto record =
      out.seal({parts.head, parts.payload.bytes(), parts.tail}).value();
  CAF_CHECK_EQUAL(body_of(record).size(),
                  vectors::number(x.at("ciphertext_len")));
  CAF_CHECK_EQUAL(to_string(sha256(body_of(record).bytes())),
                  vectors::text(x.at("ciphertext_sha256")));
}

CAF_TEST(two libraries agree on random messages) {
  std::mt19937_64 random{42};
  auto fill = [&](auto& out) {
    for (auto& x : out)
      x = static_cast<uint8_t>(random());
  };
  for (int round = 0; round < 200; ++round) {
    std::array<uint8_t, 32> raw;
    fill(raw);
    session_key key{raw};
    auto counter = random();
    byte_buffer plain(random() % 3000);
    fill(plain);
    auto nonce = nonce_of(counter);
    byte_buffer expected(plain.size() + seal_tag_size);
    crypto_aead_chacha20poly1305_ietf_encrypt(
        expected.data(), nullptr, plain.data(), plain.size(), nullptr, 0,
        nullptr, nonce.data(), raw.data());
    auto cut = plain.empty() ? 0 : random() % plain.size();
    auto all = std::span<const uint8_t>{plain};
    auto record =
        sealer{key, counter}.seal({all.first(cut), all.subspan(cut)}).value();
    CAF_CHECK_EQUAL(to_hex(body_of(record).bytes()), to_hex(expected));
    opener in{key, counter};
    CAF_CHECK(open_with(in, expected).value() == plain);
  }
}

CAF_TEST(each message takes the next nonce) {
  auto key = key_of(vectors::section("pairs").at(0).at("session_key"));
  sealer out{key};
  opener in{key};
  byte_buffer plain{1, 2, 3};
  auto bytes = [](const slice& x) {
    return byte_buffer{x.bytes().begin(), x.bytes().end()};
  };
  auto first = bytes(body_of(out.seal({plain}).value()));
  auto second = bytes(body_of(out.seal({plain}).value()));
  CAF_CHECK(first != second);
  CAF_CHECK(open_with(in, first).value() == plain);
  CAF_CHECK(open_with(in, second).value() == plain);
  CAF_CHECK(!open_with(in, second));
}

CAF_TEST(a nonce is never used twice) {
  auto key = key_of(vectors::section("pairs").at(0).at("session_key"));
  sealer out{key, UINT64_MAX};
  byte_buffer plain{1};
  CAF_CHECK(out.seal({plain}));
  auto wrapped = out.seal({plain});
  CAF_REQUIRE(!wrapped);
  CAF_CHECK(wrapped.error().code == errc::limit_reached);
}

CAF_TEST(what a reader of protocol 1 would refuse is not sealed) {
  auto key = key_of(vectors::section("pairs").at(0).at("session_key"));
  sealer out{key};
  byte_buffer plain(16_MiB - seal_tag_size);
  CAF_CHECK(out.seal({plain}));
  plain.push_back(0);
  CAF_CHECK(!out.seal({plain}));
  for (const auto& x : vectors::section("limits")) {
    const auto& accepts = x.at("transport_reader_accepts (len <= 16777216)");
    if (!accepts.is_null())
      CAF_CHECK_EQUAL(accepts.as_bool(), vectors::number(x.at("payload_len"))
                                             <= max_chunk_payload);
  }
}
