/// What it costs to bring ranges to a peer: protocol 2 against protocol 1 and
/// against OpenSSL alone, and what a handshake costs. Both ends run on one
/// core, without a network. Prints the ratios at the end:
///
///     build/bench/tests/bench/protocol_bench --benchmark_repetitions=5

#include "core/integrity.hpp"
#include "core/legacy_link.hpp"
#include "core/secure_link.hpp"
#include "core/wire_message.hpp"

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace peapod;

namespace {

/// What a slow and a fast peer are asked for at a time, and how it comes from
/// the origin.
constexpr int64_t small_range = 256_KiB;
constexpr int64_t large_range = 2_MiB;
constexpr size_t piece_size = 256_KiB;

[[noreturn]] void give_up(std::string_view why) {
  std::cerr << "protocol_bench: " << why << '\n';
  std::exit(1);
}

void system_bytes(std::span<uint8_t> out) {
  randombytes_buf(out.data(), out.size());
}

const slice& some_bytes() {
  static const slice out = [] {
    byte_buffer bytes(large_range);
    system_bytes(bytes);
    return slice{std::move(bytes)};
  }();
  return out;
}

representation version() {
  return {"\"v1\"", {}, 1'000'000'000};
}

struct identities {
  identity asker = identity::generate(system_bytes);
  identity bringer = identity::generate(system_bytes);
};

const identities& devices() {
  static const identities out;
  return out;
}

using link_ptr = std::unique_ptr<peer_link>;

link_ptr make_secure(session_role role, uint32_t capabilities) {
  auto& [asker, bringer] = devices();
  secure_session_config x;
  x.role = role;
  x.self.capabilities = capabilities;
  auto asks = role == session_role::initiator;
  if (asks)
    x.responder_key = bringer.key();
  return std::make_unique<secure_link>(asks ? asker : bringer, std::move(x),
                                       system_bytes);
}

/// As between two daemons.
link_ptr make_secure(session_role role) {
  return make_secure(role, capability_unhashed);
}

/// As with a peer that needs a hash of each range.
link_ptr make_hashing(session_role role) {
  return make_secure(role, 0);
}

link_ptr make_legacy(session_role role) {
  auto& [asker, bringer] = devices();
  session_config x;
  x.role = role;
  x.hello = hello_extension{1, 0, "bench"};
  return std::make_unique<legacy_link>(
      role == session_role::initiator ? asker : bringer, std::move(x));
}

/// Two ends; `settle` carries bytes between them.
class connection {
public:
  explicit connection(link_ptr (*make)(session_role))
    : asker_(make(session_role::initiator)),
      bringer_(make(session_role::responder)) {
    asker_->start(now_);
    bringer_->start(now_);
    settle();
    asker_->trust(true, now_);
    bringer_->trust(true, now_);
    settle();
    if (ready_ != 2)
      give_up("the two ends do not come together");
  }

  /// Brings one range from end to end.
  void bring_range(size_t range_size) {
    range_ask ask;
    ask.id = ++asks_;
    ask.range = {0, range_size};
    ask.url = "http://origin.example/file";
    ask.expected = version();
    arrived_ = 0;
    ended_ = false;
    if (!asker_->ask(ask))
      give_up("a range cannot be asked for");
    settle();
    for (size_t at = 0; at < range_size; at += piece_size) {
      bringer_->bring(asked_, 206, version(), at,
                      some_bytes().sub(at, piece_size));
      settle();
    }
    bringer_->finish(asked_);
    settle();
    if (!ended_ || arrived_ != range_size)
      give_up("a range did not arrive");
  }

private:
  std::vector<slice> drain(peer_link& x) {
    std::vector<slice> out;
    while (auto event = x.poll()) {
      if (auto bytes = std::get_if<write_bytes>(&*event))
        std::move(bytes->bytes.begin(), bytes->bytes.end(),
                  std::back_inserter(out));
      else if (std::holds_alternative<peer_identified>(*event))
        x.admit(true, now_);
      else if (std::holds_alternative<link_ready>(*event))
        ++ready_;
      else if (auto ask = std::get_if<range_asked>(&*event))
        asked_ = ask->what.id;
      else if (auto part = std::get_if<range_arrived>(&*event))
        arrived_ += part->bytes.size();
      else if (auto end = std::get_if<range_ended>(&*event))
        ended_ = !end->failure;
      else if (std::holds_alternative<session_closed>(*event))
        give_up(to_string(std::get<session_closed>(*event).reason));
    }
    return out;
  }

  void settle() {
    for (;;) {
      auto there = drain(*asker_);
      auto back = drain(*bringer_);
      if (there.empty() && back.empty())
        return;
      for (auto& x : there)
        bringer_->receive(x, now_);
      for (auto& x : back)
        asker_->receive(x, now_);
    }
  }

  instant now_{std::chrono::hours(1)};
  link_ptr asker_;
  link_ptr bringer_;
  int ready_ = 0;
  ask_id asks_ = 0;
  ask_id asked_ = 0;
  uint64_t arrived_ = 0;
  bool ended_ = false;
};

void bring(benchmark::State& state, link_ptr (*make)(session_role)) {
  connection x{make};
  for (auto _ : state)
    x.bring_range(static_cast<size_t>(state.range(0)));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void by_protocol_1(benchmark::State& state) {
  bring(state, make_legacy);
}

void by_protocol_2(benchmark::State& state) {
  bring(state, make_secure);
}

void by_protocol_2_with_hashes(benchmark::State& state) {
  bring(state, make_hashing);
}

/// The same cryptography on the same bytes and nothing else: sealed and opened
/// in records of 64 KiB, and with `hashes` hashed at both ends.
void seal_and_open(benchmark::State& state, bool hashes) {
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher{
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash{EVP_MD_CTX_new(),
                                                               EVP_MD_CTX_free};
  auto* algorithm = EVP_chacha20_poly1305();
  byte_buffer key(32, 1);
  byte_buffer nonce(12);
  byte_buffer sealed(64_KiB);
  byte_buffer opened(64_KiB);
  byte_buffer tag(16);
  int n = 0;
  auto* c = cipher.get();
  auto range_size = static_cast<size_t>(state.range(0));
  auto hash_all = [&] {
    EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
    EVP_DigestUpdate(hash.get(), some_bytes().data(), range_size);
    byte_buffer out(32);
    EVP_DigestFinal_ex(hash.get(), out.data(), nullptr);
    benchmark::DoNotOptimize(out.data());
  };
  EVP_EncryptInit_ex(c, algorithm, nullptr, key.data(), nonce.data());
  for (auto _ : state) {
    for (size_t at = 0; at < range_size; at += 64_KiB) {
      EVP_EncryptInit_ex(c, nullptr, nullptr, nullptr, nonce.data());
      EVP_EncryptUpdate(c, sealed.data(), &n, some_bytes().data() + at, 64_KiB);
      EVP_EncryptFinal_ex(c, sealed.data(), &n);
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag.data());
      EVP_DecryptInit_ex(c, nullptr, nullptr, nullptr, nonce.data());
      EVP_DecryptUpdate(c, opened.data(), &n, sealed.data(), 64_KiB);
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, tag.data());
      if (EVP_DecryptFinal_ex(c, opened.data(), &n) != 1)
        give_up("OpenSSL does not open what it sealed");
    }
    for (int end = 0; hashes && end < 2; ++end)
      hash_all();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void by_openssl_alone(benchmark::State& state) {
  seal_and_open(state, false);
}

void by_openssl_with_hashes(benchmark::State& state) {
  seal_and_open(state, true);
}

/// Both ends of a handshake, up to the point where ranges may be asked for.
void handshakes(benchmark::State& state) {
  for (auto _ : state)
    connection{make_secure};
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(by_protocol_1)
    ->Arg(small_range)
    ->Arg(large_range)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(by_protocol_2)
    ->Arg(small_range)
    ->Arg(large_range)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(by_openssl_alone)
    ->Arg(small_range)
    ->Arg(large_range)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(by_protocol_2_with_hashes)
    ->Arg(small_range)
    ->Arg(large_range)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(by_openssl_with_hashes)
    ->Arg(small_range)
    ->Arg(large_range)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(handshakes)->Unit(benchmark::kMicrosecond);

/// Prints what the console reporter does, and remembers processor time.
class remembering : public benchmark::ConsoleReporter {
public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (auto& x : runs)
      if (x.run_type == Run::RT_Iteration)
        times[x.run_name.function_name + x.run_name.args].push_back(
            x.GetAdjustedCPUTime());
    ConsoleReporter::ReportRuns(runs);
  }

  double median(const std::string& name) {
    auto& all = times.at(name);
    std::ranges::sort(all);
    return all[all.size() / 2];
  }

  std::map<std::string, std::vector<double>> times;
};

} // namespace

int main(int argc, char** argv) {
  // As the daemon does.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  remembering reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  if (reporter.times.size() < 11)
    return 0;
  for (auto size : {small_range, large_range}) {
    auto of = [&](std::string name) {
      return reporter.median(name + std::to_string(size));
    };
    auto two = of("by_protocol_2");
    std::printf("\nspeed with ranges of %lld KiB\n"
                "  protocol 2 / protocol 1:                 %.2f\n"
                "  protocol 2 / OpenSSL alone:              %.2f\n"
                "  both with hashes, protocol 2 / OpenSSL:  %.2f\n",
                static_cast<long long>(size / 1024), of("by_protocol_1") / two,
                of("by_openssl_alone") / two,
                of("by_openssl_with_hashes") / of("by_protocol_2_with_hashes"));
  }
  auto one = reporter.median("handshakes");
  std::printf("\nhandshakes: %.0f a second, %.0f us of processor time for both "
              "ends\n",
              1e6 / one, one);
  return 0;
}
