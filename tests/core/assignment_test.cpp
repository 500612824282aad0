#define CAF_SUITE assignment

#include "core/assignment.hpp"

#include "tests/core/vectors.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

using assignment = std::vector<chunk_assignment>;

assignment expected(const boost::json::value& x) {
  assignment out;
  for (const auto& pair : x.as_array())
    out.push_back({vectors::number(pair.at(0)), vectors::number(pair.at(1))});
  return out;
}

} // namespace

CAF_TEST(round robin deals the chunks as the reference does) {
  for (const auto& x : vectors::section("assign_round_robin"))
    CAF_CHECK(assign_round_robin(vectors::number(x.at("chunks")),
                                 vectors::number(x.at("peers")))
              == expected(x.at("assignment")));
}

CAF_TEST(weights deal the chunks as the reference does) {
  for (const auto& x : vectors::section("assign_weighted")) {
    std::vector<uint64_t> weights;
    for (const auto& weight : x.at("weights").as_array())
      weights.push_back(vectors::number(weight));
    CAF_CHECK(assign_weighted(vectors::number(x.at("chunks")),
                              vectors::number(x.at("peers")), weights)
              == expected(x.at("assignment")));
  }
}

CAF_TEST(what a lost peer owed is dealt as the reference does) {
  for (const auto& x : vectors::section("reassign_after_peer_left")) {
    auto peers = vectors::number(x.at("peers"));
    auto current = assign_round_robin(vectors::number(x.at("chunks")), peers);
    CAF_CHECK(
        reassign_after_peer_left(current, peers, vectors::number(x.at("left")))
        == expected(x.at("new_assignment")));
  }
}

CAF_TEST(a single worker gets everything) {
  CAF_CHECK(assign_single(0).empty());
  CAF_CHECK(assign_single(3) == (assignment{{0, 0}, {1, 0}, {2, 0}}));
}

CAF_TEST(enormous weights do not overflow) {
  std::vector<uint64_t> weights{UINT64_MAX / 2, UINT64_MAX / 2};
  CAF_CHECK(assign_weighted(4, 2, weights)
            == (assignment{{0, 0}, {1, 0}, {2, 1}, {3, 1}}));
}

CAF_TEST(every chunk is dealt once and none to a worker without weight) {
  std::vector<uint64_t> weights{0, 7, 0, 3, 1};
  for (size_t chunks = 0; chunks < 50; ++chunks) {
    auto dealt = assign_weighted(chunks, weights.size(), weights);
    CAF_REQUIRE_EQUAL(dealt.size(), chunks);
    for (size_t i = 0; i < chunks; ++i) {
      CAF_CHECK_EQUAL(dealt[i].chunk, i);
      CAF_CHECK(weights[dealt[i].worker] > 0);
    }
  }
}
