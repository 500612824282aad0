#include "tests/console/fixture.hpp"

#define CAF_SUITE actor_tree
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::console;
using control::sort_key;

namespace {

std::vector<seen_actor> all(control::actor_list x = small_tree()) {
  std::vector<seen_actor> out;
  for (auto& a : x.actors)
    out.push_back({a, false, {}});
  return out;
}

/// The rows as `guides` `number`, one after the other.
std::string drawn(const std::vector<seen_actor>& actors,
                  const arrangement& how) {
  std::string out;
  for (auto& x : arrange(actors, how))
    out += x.guides + std::to_string(x.seen->actor.id)
           + (x.hidden ? "+" + std::to_string(x.hidden) : "")
           + (x.on_path ? "?" : "") + "\n";
  return out;
}

} // namespace

CAF_TEST(a tree has branches) {
  CAF_CHECK_EQUAL(drawn(all(), {}), "1\n├ 2\n│ ├ 4\n│ └ 5\n└ 3\n");
}

CAF_TEST(siblings are sorted by a figure and the largest comes first) {
  auto actors = all();
  actors[4].actor.load = 0.5;
  arrangement how;
  how.key = sort_key::load;
  CAF_CHECK_EQUAL(drawn(actors, how), "1\n├ 2\n│ ├ 5\n│ └ 4\n└ 3\n");
  how.reversed = true;
  CAF_CHECK_EQUAL(drawn(actors, how), "1\n├ 3\n└ 2\n  ├ 4\n  └ 5\n");
}

CAF_TEST(a list knows no parents) {
  arrangement how;
  how.as_tree = false;
  how.key = sort_key::name;
  CAF_CHECK_EQUAL(drawn(all(), how), "4\n5\n1\n3\n2\n");
}

CAF_TEST(a folded actor says how many it hides) {
  arrangement how;
  how.folded = {2};
  CAF_CHECK_EQUAL(drawn(all(), how), "1\n├ 2+2\n└ 3\n");
}

CAF_TEST(a filter keeps the way to what it matches) {
  arrangement how;
  how.filter = "PHONE";
  CAF_CHECK_EQUAL(drawn(all(), how), "1?\n└ 2?\n  └ 4\n");
  how.as_tree = false;
  CAF_CHECK_EQUAL(drawn(all(), how), "4\n");
  how.filter = "nobody";
  CAF_CHECK_EQUAL(drawn(all(), how), "");
}

CAF_TEST(an actor without a living supervisor stands at the top) {
  auto actors = all();
  actors[3].actor.parent = 99;
  CAF_CHECK_EQUAL(drawn(actors, {}), "1\n├ 2\n│ └ 5\n└ 3\n4\n");
}

CAF_TEST(actors that are their own ancestors do not hang the console) {
  auto actors = all();
  actors[0].actor.parent = 5;
  CAF_CHECK(drawn(actors, {}).size() < 5000);
  actors[2].actor.parent = 3;
  CAF_CHECK_EQUAL(drawn({actors[2]}, {}), "3\n");
}
