#define CAF_SUITE transfer_lies

#include "core/integrity.hpp"
#include "core/transfer.hpp"
#include "tests/core/transfer_devices.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::transfer_test;

namespace {

constexpr auto lease = spot_choice::block_size;

random_source seeded(unsigned seed) {
  return [engine = std::mt19937{seed}](std::span<uint8_t> out) mutable {
    std::ranges::generate(out, [&] { return static_cast<uint8_t>(engine()); });
  };
}

/// A part of bytes that follow from their offsets, plus `shift`. Nothing is
/// copied: the tests of chances bring gigabytes.
slice bytes_of(byte_range range, uint64_t shift) {
  static const auto bytes = [] {
    byte_buffer out(40_MiB);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<uint8_t>(i % 251);
    return std::make_shared<const byte_buffer>(std::move(out));
  }();
  return {bytes, bytes->data() + (range.begin + shift) % 251,
          static_cast<size_t>(range.size())};
}

/// What the origin has.
slice truth(byte_range range) {
  return bytes_of(range, 0);
}

/// No byte of it is right.
slice wrong(byte_range range) {
  return bytes_of(range, 1);
}

origin_digest digest_of(byte_range range) {
  auto hash = sha256(truth(range).bytes());
  return {digest_algorithm::sha256, {hash.bytes.begin(), hash.bytes.end()}};
}

/// A body, an origin that answers rechecks when told, and a client that
/// takes everything.
struct world {
  explicit world(uint64_t size, unsigned seed = 1, unsigned audit = 2,
                 std::optional<origin_digest> digest = std::nullopt)
    : core({0, size}, settings(audit, std::move(digest)), seeded(seed)) {
    pump();
  }

  static transfer::config settings(unsigned audit,
                                   std::optional<origin_digest> digest) {
    transfer::config out;
    out.own = own;
    out.audit = audit;
    out.digest = std::move(digest);
    return out;
  }

  void bring(const device_id& who, byte_range range, bool lies = false,
             standing how = standing::claimed) {
    core.chunk_arrived(who, range.begin, lies ? wrong(range) : truth(range),
                       how);
    pump();
  }

  void read_spine(uint64_t size) {
    core.spine_arrived(truth({core.spine(), core.spine() + size}));
    pump();
  }

  /// Carries out what the core wants.
  void pump() {
    while (auto action = core.poll()) {
      if (auto x = std::get_if<transfer::deliver>(&*action)) {
        // What is handed out at once was brought at once: it is all right or
        // all wrong.
        wrong_pieces += x->bytes.data()[0] != truth({got, got + 1}).data()[0];
        got += x->bytes.size();
        complete = x->last;
        core.client_took(x->bytes.size());
      } else if (auto y = std::get_if<transfer::recheck>(&*action)) {
        questions.push_back(*y);
      } else if (auto z = std::get_if<transfer::accuse>(&*action)) {
        accused.push_back(*z);
      } else if (auto a = std::get_if<transfer::abort>(&*action)) {
        aborted = a->why;
      } else if (std::holds_alternative<transfer::go_alone>(*action)) {
        alone = true;
      } else if (std::holds_alternative<transfer::stop_spine>(*action)) {
        spine_stopped = true;
      }
    }
  }

  void answer_all() {
    while (!questions.empty()) {
      auto x = questions.front();
      questions.erase(questions.begin());
      rechecked += x.range.size();
      core.rechecked(x.number, truth(x.range));
    }
  }

  /// Answers what is asked now, and what is asked then.
  void settle() {
    while (!questions.empty()) {
      answer_all();
      pump();
    }
  }

  transfer core;
  std::vector<transfer::recheck> questions;
  std::vector<transfer::accuse> accused;
  std::optional<error> aborted;
  uint64_t got = 0;
  uint64_t rechecked = 0;
  unsigned wrong_pieces = 0;
  bool complete = false;
  bool alone = false;
  bool spine_stopped = false;
};

} // namespace

CAF_TEST(nothing of a peer goes out before its first sample was right) {
  world x{4 * lease};
  x.bring(peer, {0, lease});
  CAF_REQUIRE_EQUAL(x.questions.size(), 1u);
  CAF_CHECK_EQUAL(x.got, 0u);
  CAF_CHECK(x.core.stands_on() == rung::audit);
  x.settle();
  CAF_CHECK_EQUAL(x.got, lease);
  CAF_CHECK_EQUAL(x.core.ledger().samples, 1u);
}

CAF_TEST(what lies before a sample of a peer that passed one goes out) {
  world x{8 * lease, 1, 100};
  x.bring(peer, {0, lease});
  x.settle();
  x.bring(peer, {lease, 2 * lease});
  CAF_REQUIRE_EQUAL(x.questions.size(), 1u);
  CAF_CHECK_EQUAL(x.got, x.questions[0].range.begin);
  x.settle();
  CAF_CHECK_EQUAL(x.got, 2 * lease);
}

CAF_TEST(who is vouched for is not sampled) {
  world x{2 * lease, 1, 100};
  x.bring(peer, {0, lease}, false, standing::vouched);
  x.bring(own, {lease, 2 * lease});
  CAF_CHECK(x.questions.empty());
  CAF_CHECK(x.complete);
  CAF_CHECK(x.core.stands_on() == rung::validator);
}

CAF_TEST(a liar of whom nothing has gone out is replaced) {
  world x{4 * lease};
  x.bring(peer, {lease, 2 * lease}, true);
  x.bring(other, {2 * lease, 4 * lease});
  x.settle();
  CAF_REQUIRE_EQUAL(x.accused.size(), 1u);
  CAF_CHECK(x.accused[0].source == peer);
  CAF_CHECK(x.accused[0].dropped
            == std::vector<byte_range>({{lease, 2 * lease}}));
  CAF_CHECK_EQUAL(x.core.ledger().lies, 1u);
  CAF_CHECK_EQUAL(x.core.ledger().bytes_by_source.at(peer), 0u);
  CAF_CHECK(!x.core.here().intersects({lease, 2 * lease}));
  // What else it brings is not taken.
  x.bring(peer, {0, 2 * lease}, true);
  x.bring(own, {0, 2 * lease});
  CAF_CHECK(x.complete && !x.aborted);
  CAF_CHECK_EQUAL(x.wrong_pieces, 0u);
}

CAF_TEST(a second fetch over a fresh connection comes before an accusation) {
  world x{4 * lease};
  x.bring(peer, {lease, 2 * lease}, true);
  CAF_CHECK(!x.questions[0].fresh);
  auto asked = x.questions[0].range;
  x.answer_all();
  x.pump();
  CAF_REQUIRE_EQUAL(x.questions.size(), 1u);
  CAF_CHECK(x.questions[0].fresh && x.questions[0].range == asked);
  CAF_CHECK(x.accused.empty());
}

CAF_TEST(bytes of a liar that the client has end the body) {
  world x{8 * lease, 1, 100};
  x.bring(peer, {0, lease});
  x.settle();
  x.bring(peer, {lease, 2 * lease}, true);
  x.settle();
  CAF_CHECK_EQUAL(x.accused.size(), 1u);
  CAF_REQUIRE(x.aborted.has_value());
  CAF_CHECK(x.aborted->code == errc::mismatch);
  CAF_CHECK(!x.complete);
}

CAF_TEST(a range that was dropped behind the spine ends the spine) {
  world x{4 * lease};
  x.bring(peer, {lease / 2, lease}, true);
  x.read_spine(lease); // passes over what the peer has brought
  x.settle();
  CAF_CHECK_EQUAL(x.accused.size(), 1u);
  CAF_CHECK(x.spine_stopped && !x.core.spine_alive());
  x.bring(own, {lease / 2, 4 * lease});
  CAF_CHECK(x.complete);
  CAF_CHECK_EQUAL(x.wrong_pieces, 0u);
}

CAF_TEST(an origin that contradicts itself is read by the spine alone) {
  world x{4 * lease};
  x.bring(peer, {lease, 2 * lease}, true);
  auto asked = x.questions[0];
  x.questions.clear();
  x.core.rechecked(asked.number, truth(asked.range));
  x.pump();
  CAF_REQUIRE_EQUAL(x.questions.size(), 1u);
  x.core.rechecked(x.questions[0].number, wrong(asked.range));
  x.pump();
  CAF_CHECK(x.alone && x.accused.empty() && !x.aborted);
  x.bring(other, {lease, 4 * lease}, true); // on its way: not taken
  x.read_spine(4 * lease);
  CAF_CHECK(x.complete);
  CAF_CHECK_EQUAL(x.wrong_pieces, 0u);
}

namespace {

/// The origin has something else than `peer` brought, and then does not.
void contradict(world& x) {
  auto asked = x.questions.at(0);
  x.questions.clear();
  x.core.rechecked(asked.number, truth(asked.range));
  x.pump();
  x.core.rechecked(x.questions.at(0).number, wrong(asked.range));
  x.pump();
}

} // namespace

CAF_TEST(what is thrown away for the sake of the spine counts as wasted) {
  world x{4 * lease};
  x.bring(own, {3 * lease, 4 * lease});
  x.bring(peer, {lease, 2 * lease}, true);
  contradict(x);
  CAF_REQUIRE(x.alone);
  x.read_spine(4 * lease);
  CAF_CHECK(x.complete);
  CAF_CHECK_EQUAL(x.core.ledger().wasted, 2 * lease);
  CAF_CHECK_EQUAL(x.core.ledger().bytes_by_source.at(own), 4 * lease);
  CAF_CHECK_EQUAL(x.core.ledger().bytes_by_source.at(peer), 0u);
}

CAF_TEST(a contradiction after a range was handed out ends the body) {
  world x{4 * lease};
  x.bring(own, {0, lease});
  CAF_REQUIRE_EQUAL(x.got, lease);
  x.bring(peer, {lease, 2 * lease}, true);
  contradict(x);
  CAF_CHECK(x.aborted.has_value() && !x.alone);
}

CAF_TEST(a spine goes on alone when the own line sees another version) {
  world x{4 * lease};
  x.bring(peer, {lease, 2 * lease});
  x.core.version_differs("another version");
  x.core.version_differs("another version");
  x.pump();
  CAF_CHECK(x.alone && x.accused.empty() && !x.aborted);
  x.read_spine(4 * lease);
  CAF_CHECK(x.complete);
  CAF_CHECK_EQUAL(x.core.ledger().bytes_by_source.at(peer), 0u);
}

CAF_TEST(another version after a range was handed out ends the body) {
  world x{4 * lease};
  x.bring(own, {0, lease});
  x.bring(peer, {lease, 2 * lease});
  x.core.version_differs("another version");
  x.pump();
  CAF_CHECK(x.aborted.has_value() && !x.alone);
}

CAF_TEST(a spine that is alone and ends early ends the body) {
  world x{4 * lease};
  x.bring(peer, {lease, 2 * lease}, true);
  for (bool second : {false, true}) {
    auto asked = x.questions[0];
    x.questions.clear();
    x.core.rechecked(asked.number,
                     second ? truth(asked.range) : slice{"something else"});
    x.pump();
  }
  CAF_REQUIRE(x.alone);
  x.core.spine_ended();
  x.pump();
  CAF_CHECK(x.aborted.has_value());
}

CAF_TEST(a contradiction after ranges were mixed ends the body) {
  world x{4 * lease};
  x.bring(own, {0, lease});
  x.core.spine_ended();
  x.bring(peer, {lease, 2 * lease}, true);
  auto asked = x.questions[0];
  x.core.rechecked(asked.number, truth(asked.range));
  x.pump();
  x.core.not_rechecked(asked.number + 1, "no answer");
  x.pump();
  CAF_CHECK(x.aborted.has_value() && x.accused.empty());
}

CAF_TEST(an own line without answer holds nothing up) {
  world x{64 * lease, 1, 100};
  x.bring(peer, {0, lease});
  CAF_CHECK_EQUAL(x.got, 0u);
  x.core.not_rechecked(x.questions[0].number, "no line");
  x.pump();
  CAF_CHECK_EQUAL(x.got, lease);
  CAF_CHECK_EQUAL(x.core.ledger().unchecked, 1u);
  x.questions.clear();
  x.bring(peer, {lease, 8 * lease});
  CAF_CHECK(x.questions.empty());
  CAF_CHECK_EQUAL(x.got, 8 * lease);
  // It is sampled again as soon as the own line brings anything.
  x.bring(own, {8 * lease, 9 * lease});
  x.bring(peer, {9 * lease, 12 * lease});
  CAF_CHECK(!x.questions.empty());
}

CAF_TEST(a busy origin is not asked for samples) {
  world x{256 * lease, 1, 100};
  x.bring(peer, {0, lease});
  x.core.not_rechecked(x.questions[0].number, "429", true);
  x.pump();
  CAF_CHECK_EQUAL(x.got, lease);
  x.questions.clear();
  for (uint64_t i = 1; i < 64; ++i) {
    x.bring(own, {i * lease, i * lease + lease / 2});
    x.bring(peer, {i * lease + lease / 2, (i + 1) * lease});
  }
  CAF_CHECK(x.questions.empty());
  x.bring(peer, {64 * lease, 70 * lease});
  x.bring(peer, {70 * lease, 80 * lease});
  CAF_CHECK(!x.questions.empty());
}

// -- the origin's digest ------------------------------------------------------

CAF_TEST(a body with the hash that the origin announced is complete) {
  world x{3 * lease, 1, 2, digest_of({0, 3 * lease})};
  CAF_CHECK(x.core.stands_on() == rung::digest);
  x.bring(peer, {lease, 3 * lease});
  x.settle();
  x.read_spine(lease);
  CAF_CHECK(x.complete);
  CAF_CHECK(x.core.digest_fits() == true);
}

CAF_TEST(a single wrong byte keeps the last bytes back) {
  // No audit: nothing but the hash can tell.
  world x{3 * lease, 1, 0, digest_of({0, 3 * lease})};
  auto bytes = byte_buffer(lease);
  std::memcpy(bytes.data(), truth({lease, 2 * lease}).data(), lease);
  bytes[77] ^= 1;
  x.core.chunk_arrived(peer, lease, slice{std::move(bytes)}, standing::claimed);
  x.bring(own, {2 * lease, 3 * lease});
  x.read_spine(lease);
  x.settle(); // who lied is asked, and not found
  CAF_CHECK(!x.complete && x.got < 3 * lease);
  CAF_REQUIRE(x.aborted.has_value());
  CAF_CHECK(x.aborted->code == errc::integrity_failed);
  CAF_CHECK(x.core.digest_fits() == false);
}

CAF_TEST(after a wrong hash the own line tells who lied) {
  world x{3 * lease, 1, 0, digest_of({0, 3 * lease})};
  x.bring(peer, {lease, 2 * lease}, true);
  x.bring(other, {2 * lease, 3 * lease});
  x.read_spine(lease);
  CAF_CHECK(!x.questions.empty() && !x.aborted);
  x.settle();
  CAF_REQUIRE_EQUAL(x.accused.size(), 1u);
  CAF_CHECK(x.accused[0].source == peer);
  CAF_REQUIRE(x.aborted.has_value());
  CAF_CHECK(x.aborted->detail.find("differs") != std::string::npos);
}

CAF_TEST(a wrong hash of what the own line alone brought is the origins own) {
  world x{lease, 1, 2, digest_of({5, lease})};
  x.read_spine(lease);
  CAF_CHECK(x.complete && !x.aborted);
  CAF_CHECK(x.core.digest_fits() == false);
}

CAF_TEST(with a hash the body of a liar goes on and the hash decides) {
  world x{4 * lease, 1, 100, digest_of({0, 4 * lease})};
  x.bring(peer, {0, lease});
  x.settle();
  x.bring(peer, {lease, 2 * lease}, true);
  CAF_CHECK(x.got > lease); // some of the lie has gone out
  x.settle();
  CAF_CHECK_EQUAL(x.accused.size(), 1u);
  CAF_CHECK(!x.aborted);
  x.bring(own, {lease, 4 * lease});
  x.settle();
  CAF_CHECK(!x.complete);
  CAF_REQUIRE(x.aborted.has_value());
  CAF_CHECK(x.aborted->code == errc::integrity_failed);
}

CAF_TEST(with a hash a body is completed though a liar had a right part in it) {
  world x{4 * lease, 1, 100, digest_of({0, 4 * lease})};
  x.bring(peer, {0, lease});
  x.settle();
  x.bring(peer, {2 * lease, 3 * lease}, true);
  x.settle();
  CAF_CHECK_EQUAL(x.accused.size(), 1u);
  x.bring(own, {lease, 4 * lease});
  CAF_CHECK(x.complete && !x.aborted);
  CAF_CHECK_EQUAL(x.wrong_pieces, 0u);
}

// -- how likely ---------------------------------------------------------------

namespace {

/// A peer that lies in each of its blocks with chance `f` brings `blocks` of
/// them to a body; the own line brings as many.
struct trial {
  bool caught;
  bool lied;
  bool clean_after; ///< nothing of the caught peer went out then
};

trial try_once(unsigned seed, unsigned percent, double f, uint64_t blocks) {
  std::mt19937 dice{seed + 1000};
  std::bernoulli_distribution lies{f};
  world x{2 * blocks * lease, seed, percent};
  trial out{false, false, true};
  for (uint64_t i = 0; i < blocks && !x.aborted; ++i) {
    byte_range at{(2 * i + 1) * lease, (2 * i + 2) * lease};
    bool lie = lies(dice);
    out.lied = out.lied || lie;
    x.bring(peer, at, lie);
    x.settle();
    x.bring(own, {at.begin - lease, at.begin});
    if (x.accused.empty())
      continue;
    out.caught = true;
    auto before = x.wrong_pieces;
    x.bring(own, {0, 2 * blocks * lease});
    out.clean_after = x.wrong_pieces == before;
    return out;
  }
  out.caught = !x.accused.empty();
  return out;
}

/// The chance of it, by docs/VERIFYING.md: the first block is sampled, of each
/// whole group one, and of the others `p`.
double predicted(double p, double f, uint64_t blocks) {
  double missed = 1 - f;
  for (uint64_t from = 1; from < blocks; from *= 4)
    missed *= (1 - f) * std::pow(1 - p * f, 3 * from - 1);
  return 1 - missed;
}

} // namespace

CAF_TEST(liars are caught as often as the arithmetic says) {
  constexpr unsigned rounds = 300;
  constexpr uint64_t blocks = 64; // three whole groups
  for (auto [percent, f] : {std::pair{2u, 0.05}, std::pair{2u, 0.2},
                            std::pair{20u, 0.05}, std::pair{50u, 0.02}}) {
    unsigned caught = 0;
    for (unsigned seed = 0; seed < rounds; ++seed) {
      auto x = try_once(seed, percent, f, blocks);
      caught += x.caught;
      CAF_CHECK(x.clean_after);
      CAF_CHECK(!x.caught || x.lied);
    }
    auto p = predicted(percent / 100.0, f, blocks);
    auto deviation = std::sqrt(rounds * p * (1 - p));
    CAF_MESSAGE(percent << " percent, f " << f << ": " << caught << " of "
                        << rounds << ", predicted " << p * rounds);
    CAF_CHECK(std::abs(caught - rounds * p) < 4 * deviation);
  }
}

CAF_TEST(who lies in everything is caught before a byte of it goes out) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    world x{8 * lease, seed};
    x.bring(peer, {0, lease}, true);
    x.bring(peer, {lease, 2 * lease}, true);
    x.settle();
    CAF_CHECK_EQUAL(x.accused.size(), 1u);
    CAF_CHECK(!x.aborted);
    CAF_CHECK_EQUAL(x.got, 0u);
  }
}

CAF_TEST(an honest peer is never accused and costs little) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    world x{64 * lease, seed};
    for (uint64_t i = 0; i < 64; ++i) {
      x.bring(i % 2 == 0 ? peer : other, {i * lease, (i + 1) * lease});
      x.settle();
    }
    CAF_CHECK(x.complete && x.accused.empty());
    CAF_CHECK(x.rechecked * 100 < 64 * lease); // less than one percent
  }
}
