/// What a chunk costs: the wire codec, sealing, hashing, and whole sessions,
/// in bytes of payload a second on one core.

#include "core/integrity.hpp"
#include "core/seal.hpp"
#include "core/session.hpp"
#include "core/wire_codec.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>

using namespace peapod;
using namespace std::literals;

namespace {

/// The usual chunk and the largest lease that a lasting download sees.
constexpr int64_t small_chunk = 256_KiB;
constexpr int64_t large_chunk = 2_MiB;

/// Ends the program: with what failed, every figure is meaningless.
[[noreturn]] void give_up(std::string_view why) {
  std::cerr << "codec_bench: " << why << '\n';
  std::exit(1);
}

byte_buffer some_bytes(size_t size) {
  byte_buffer out(size);
  uint32_t state = 1;
  for (auto& byte : out)
    byte = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

session_key some_key() {
  return session_key{std::span<const uint8_t, 32>{some_bytes(32)}};
}

chunk_data some_chunk(size_t size) {
  slice payload{some_bytes(size)};
  auto hash = sha256(payload.bytes());
  chunk_origin origin{206, {"\"v1\"", {}, 1'000'000'000}, 0};
  return {transfer_id::from(some_bytes(16)), {0, size}, hash, payload, origin};
}

size_t chunk_size(const benchmark::State& state) {
  return static_cast<size_t>(state.range(0));
}

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// -- codec --------------------------------------------------------------------

void encode_a_chunk(benchmark::State& state) {
  wire_message chunk = some_chunk(chunk_size(state));
  for (auto _ : state)
    benchmark::DoNotOptimize(encode_frame(chunk).value());
  count_bytes(state);
}

/// As a session does it: the payload is shared.
void encode_a_chunk_in_parts(benchmark::State& state) {
  wire_message chunk = some_chunk(chunk_size(state));
  for (auto _ : state)
    benchmark::DoNotOptimize(encode_frame_parts(chunk).value());
  count_bytes(state);
}

void decode_a_chunk(benchmark::State& state) {
  slice frame{encode_frame(some_chunk(chunk_size(state))).value()};
  for (auto _ : state)
    benchmark::DoNotOptimize(decode_frame(frame).value());
  count_bytes(state);
}

// -- cryptography -------------------------------------------------------------

void hash_a_chunk(benchmark::State& state) {
  auto bytes = some_bytes(chunk_size(state));
  for (auto _ : state)
    benchmark::DoNotOptimize(sha256(bytes));
  count_bytes(state);
}

void seal_a_chunk(benchmark::State& state) {
  auto bytes = some_bytes(chunk_size(state));
  sealer out{some_key()};
  for (auto _ : state)
    benchmark::DoNotOptimize(
        out.seal({std::span<const uint8_t>{bytes}}).value());
  count_bytes(state);
}

/// With one copy of the record, because opening overwrites it.
void open_a_chunk(benchmark::State& state) {
  auto bytes = some_bytes(chunk_size(state));
  sealer out{some_key()};
  auto sealed = out.seal({std::span<const uint8_t>{bytes}}).value();
  auto record = sealed.sub(frame_header_size).bytes();
  byte_buffer copy(record.size());
  for (auto _ : state) {
    opener in{some_key()};
    std::copy(record.begin(), record.end(), copy.begin());
    benchmark::DoNotOptimize(in.open(copy).value());
  }
  count_bytes(state);
}

// -- sessions -----------------------------------------------------------------

identity make_identity(uint8_t seed) {
  return identity::from_secret(byte_buffer(32, seed)).value();
}

session_config as(session_role role) {
  session_config out;
  out.role = role;
  return out;
}

/// What a socket hands over at once.
constexpr size_t portion = 64_KiB;

/// Two sessions that are connected by memory.
struct two_ends {
  two_ends() {
    alice.start(now);
    bob.start(now);
    settle();
    if (!alice.is_established() || !bob.is_established())
      give_up("the sessions do not connect");
  }

  /// Moves bytes until nothing moves any more.
  void settle() {
    while (move(alice, bob) || move(bob, alice))
      continue;
  }

  /// Whether there was anything to do.
  bool move(session& from, session& to) {
    auto moved = false;
    while (auto action = from.poll()) {
      moved = true;
      if (auto* out = std::get_if<write_bytes>(&*action))
        deliver(*out, to);
      else if (std::holds_alternative<peer_identified>(*action))
        from.admit(true, now);
      else if (auto* in = std::get_if<message_received>(&*action))
        payload_bytes += checked_size(*in);
      else if (auto* end = std::get_if<session_closed>(&*action))
        give_up(end->reason.detail);
    }
    return moved;
  }

  void deliver(const write_bytes& bytes, session& to) {
    for (auto& part : bytes.bytes)
      for (size_t i = 0; i < part.size(); i += portion)
        to.receive(part.sub(i, portion), now);
  }

  static size_t checked_size(const message_received& x) {
    auto* chunk = std::get_if<chunk_data>(&x.message);
    if (chunk && !x.hash_matches)
      give_up("a chunk arrives damaged");
    return chunk ? chunk->payload.size() : 0;
  }

  instant now{1h};
  identity alice_key = make_identity(1);
  identity bob_key = make_identity(2);
  session alice{alice_key, as(session_role::initiator)};
  session bob{bob_key, as(session_role::responder)};
  size_t payload_bytes = 0;
};

/// Hash, encode, seal, split, join, open, decode, compare the hash.
void session_from_end_to_end(benchmark::State& state) {
  auto chunk = some_chunk(chunk_size(state));
  two_ends ends;
  ends.bob.set_frame_limit(frame_limit_for(chunk.payload.size()));
  for (auto _ : state) {
    chunk.hash = sha256(chunk.payload.bytes());
    ends.alice.send(chunk).value();
    ends.settle();
  }
  if (ends.payload_bytes != state.iterations() * chunk_size(state))
    give_up("chunks are missing");
  count_bytes(state);
}

/// Until both know each other; the figure is handshakes a second.
void handshake(benchmark::State& state) {
  for (auto _ : state)
    two_ends{};
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(encode_a_chunk)->Arg(small_chunk)->Arg(large_chunk);
BENCHMARK(encode_a_chunk_in_parts)->Arg(small_chunk)->Arg(large_chunk);
BENCHMARK(decode_a_chunk)->Arg(small_chunk)->Arg(large_chunk);
BENCHMARK(hash_a_chunk)->Arg(small_chunk)->Arg(large_chunk);
BENCHMARK(seal_a_chunk)->Arg(small_chunk)->Arg(large_chunk);
BENCHMARK(open_a_chunk)->Arg(small_chunk)->Arg(large_chunk);
BENCHMARK(session_from_end_to_end)->Arg(small_chunk)->Arg(large_chunk);
BENCHMARK(handshake);

} // namespace

BENCHMARK_MAIN();
