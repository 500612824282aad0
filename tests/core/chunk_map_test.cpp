#define CAF_SUITE chunk_map

#include "core/chunk_map.hpp"

#include "core/integrity.hpp"
#include "tests/core/vectors.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

const transfer_id ours = transfer_id::from(byte_buffer(16, 1));
const transfer_id theirs = transfer_id::from(byte_buffer(16, 2));

slice bytes(size_t size, uint8_t value) {
  return slice{byte_buffer(size, value)};
}

/// Gives `x` a chunk with the right hash.
result<chunk_receipt> give(chunk_map& x, byte_range range, slice payload) {
  auto hash = sha256(payload.bytes());
  return x.receive(ours, range, hash, std::move(payload));
}

std::string text_of(const chunk_map& x) {
  std::string out;
  for (const auto& piece : x.pieces())
    out += piece.text();
  return out;
}

} // namespace

CAF_TEST(bodies are cut where the reference cuts them) {
  for (const auto& x : vectors::section("split_into_chunks")) {
    byte_range body{0, vectors::number(x.at("total_len"))};
    auto chunks = split_into_chunks(body, vectors::number(x.at("chunk_size")));
    CAF_CHECK_EQUAL(chunks.size(), vectors::number(x.at("count")));
    if (!x.at("last").is_null())
      CAF_CHECK(chunks.back() == vectors::range(x.at("last")));
    if (x.at("ranges").is_null())
      continue;
    const auto& expected = x.at("ranges").as_array();
    CAF_REQUIRE_EQUAL(chunks.size(), expected.size());
    for (size_t i = 0; i < chunks.size(); ++i)
      CAF_CHECK(chunks[i] == vectors::range(expected[i]));
  }
}

CAF_TEST(a range at the end of all offsets is cut without overflow) {
  byte_range body{UINT64_MAX - 5, UINT64_MAX};
  CAF_CHECK(split_into_chunks(body, 4)
            == (std::vector<byte_range>{{UINT64_MAX - 5, UINT64_MAX - 1},
                                        {UINT64_MAX - 1, UINT64_MAX}}));
}

// The steps of the reference, section "transfer_receive_steps": a transfer of
// [0,60) in chunks of 30.
CAF_TEST(chunks are taken as the reference takes them but never short ones) {
  const auto& steps = vectors::section("transfer_receive_steps");
  auto says = [&](size_t i, std::string_view result) {
    return vectors::text(steps.at(i).at("result")) == result;
  };
  chunk_map map{ours, {0, 60}, 30};
  auto good = sha256(bytes(30, 'a').bytes());
  auto wrong = map.receive(ours, {0, 30}, digest{}, bytes(30, 'a'));
  CAF_CHECK(!wrong && wrong.error().code == errc::integrity_failed);
  CAF_CHECK(says(0, "IntegrityFailed"));
  auto other = map.receive(theirs, {0, 30}, good, bytes(30, 'a'));
  CAF_CHECK(!other && other.error().code == errc::integrity_failed);
  CAF_CHECK(says(1, "IntegrityFailed"));
  CAF_CHECK(give(map, {7, 9}, bytes(2, 'x')) == chunk_receipt::in_progress);
  CAF_CHECK(says(2, "InProgress"));
  // The reference takes five bytes for thirty, and completes with a body that
  // is too short. We refuse, so that a client never gets one.
  auto short_one = give(map, {0, 30}, bytes(5, 'a'));
  CAF_CHECK(!short_one && short_one.error().code == errc::mismatch);
  CAF_CHECK(says(3, "InProgress"));
  CAF_CHECK(give(map, {30, 60}, bytes(30, 'b')) == chunk_receipt::in_progress);
  CAF_CHECK(says(4, "Complete(35 bytes)"));
  CAF_CHECK(give(map, {0, 30}, bytes(30, 'a')) == chunk_receipt::complete);
  CAF_CHECK_EQUAL(text_of(map), std::string(30, 'a') + std::string(30, 'b'));
}

CAF_TEST(a body that begins later than its resource keeps its offsets) {
  chunk_map map{ours, {100, 105}, 2};
  CAF_REQUIRE_EQUAL(map.chunks().size(), 3u);
  CAF_CHECK(map.find({102, 104}) == 1u);
  CAF_CHECK(!map.find({2, 4}));
  CAF_CHECK(!map.find({102, 105}));
  CAF_CHECK(!map.find({106, 108}));
  CAF_CHECK(give(map, {104, 105}, bytes(1, 'c')) == chunk_receipt::in_progress);
  CAF_CHECK(give(map, {100, 102}, bytes(2, 'a')) == chunk_receipt::in_progress);
  CAF_CHECK(map.has(0) && !map.has(1) && map.has(2));
  CAF_CHECK(give(map, {102, 104}, bytes(2, 'b')) == chunk_receipt::complete);
  CAF_CHECK_EQUAL(text_of(map), "aabbc");
}

CAF_TEST(the first payload of a chunk counts) {
  chunk_map map{ours, {0, 4}, 2};
  CAF_CHECK(give(map, {0, 2}, bytes(2, 'a')) == chunk_receipt::in_progress);
  CAF_CHECK(give(map, {0, 2}, bytes(2, 'z')) == chunk_receipt::in_progress);
  CAF_CHECK(give(map, {2, 4}, bytes(2, 'b')) == chunk_receipt::complete);
  CAF_CHECK_EQUAL(text_of(map), "aabb");
}
