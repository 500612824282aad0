#include "tests/console/fixture.hpp"

#define CAF_SUITE console_model
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::console;

namespace {

struct fixture {
  model x;
  instant now{1h};

  const seen_actor* find(uint64_t id) {
    for (auto& a : x.actors())
      if (a.actor.id == id)
        return &a;
    return nullptr;
  }

  static control::event event(uint64_t seq) {
    control::event out;
    out.seq = seq;
    out.kind = "spawned";
    return out;
  }

  static control::message message(std::string time, std::string type) {
    control::message out;
    out.time = std::move(time);
    out.type = std::move(type);
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(model_tests, fixture)

CAF_TEST(an answer connects and silence is told) {
  CAF_CHECK(x.connection() == model::link::connecting);
  x.apply(small_tree(), now);
  CAF_CHECK(x.connection() == model::link::up);
  CAF_CHECK_EQUAL(x.daemon().name, "kitchen");
  x.apply(connection_lost{"no daemon"}, now);
  CAF_CHECK(x.connection() == model::link::down);
  CAF_CHECK_EQUAL(x.trouble(), "no daemon");
  x.apply(small_tree(), now);
  CAF_CHECK_EQUAL(x.last_notice().text, "connected again");
}

CAF_TEST(an actor that has ended is shown for some seconds) {
  x.apply(small_tree(), now);
  auto less = small_tree();
  less.actors.pop_back();
  x.apply(less, now += 1s);
  CAF_REQUIRE(find(5));
  CAF_CHECK(find(5)->ended);
  CAF_CHECK_EQUAL(find(5)->actor.state, "ended");
  CAF_CHECK_EQUAL(x.live_actors(), 4u);
  x.apply(less, now += 2s);
  CAF_CHECK(find(5));
  x.apply(less, now += 3s);
  CAF_CHECK(!find(5));
}

CAF_TEST(another process is told and begins anew) {
  x.apply(small_tree(10), now);
  x.apply(fixture::event(1), now);
  x.apply(small_tree(11), now);
  CAF_CHECK(x.last_notice().text.find("restarted") != std::string::npos);
  CAF_CHECK_EQUAL(x.events().back().kind, "console");
  CAF_CHECK_EQUAL(x.live_actors(), 5u);
  for (auto& a : x.actors())
    CAF_CHECK(!a.ended);
}

CAF_TEST(a pause keeps the picture and the events come later) {
  x.apply(small_tree(), now);
  x.pause(true, now);
  auto less = small_tree();
  less.actors.resize(1);
  x.apply(less, now);
  x.apply(fixture::event(1), now);
  CAF_CHECK_EQUAL(x.live_actors(), 5u);
  CAF_CHECK(x.events().empty());
  x.pause(false, now);
  CAF_CHECK_EQUAL(x.events().size(), 1u);
}

CAF_TEST(a pause does not hide that the daemon has gone) {
  x.apply(small_tree(), now);
  x.pause(true, now);
  x.apply(connection_lost{"gone"}, now);
  x.apply(wish_answered{true, "killed 4"}, now);
  CAF_CHECK(x.connection() == model::link::down);
  CAF_CHECK_EQUAL(x.last_notice().text, "killed 4");
}

CAF_TEST(only so many events are kept) {
  for (uint64_t i = 1; i <= 6000; ++i)
    x.apply(fixture::event(i), now);
  CAF_CHECK_EQUAL(x.events().size(), 5000u);
  CAF_CHECK_EQUAL(x.events().back().seq, 6000u);
}

CAF_TEST(lost events are told) {
  x.apply(events_dropped{7}, now);
  CAF_CHECK_EQUAL(x.events().back().kind, "dropped");
  CAF_CHECK(x.events().back().text.starts_with("7 events"));
}

CAF_TEST(a message that is traced and on the page is there once) {
  control::actor_page page;
  page.recent = {fixture::message("2026-11-24T15:00:00.001Z", "a"),
                 fixture::message("2026-11-24T15:00:00.002Z", "b")};
  x.apply(page, now);
  x.apply(message_traced{4, page.recent[1]}, now);
  x.apply(message_traced{4, fixture::message("2026-11-24T15:00:00.003Z", "c")},
          now);
  x.apply(page, now);
  CAF_CHECK_EQUAL(x.messages().size(), 3u);
  x.forget_page();
  CAF_CHECK(x.messages().empty());
  CAF_CHECK(!x.page());
}

CAF_TEST(rates are kept for each peer) {
  control::status status;
  status.peers.resize(2);
  status.peers[0].id = "a";
  status.peers[0].rate_down = 3;
  status.peers[1].id = "b";
  status.peers[1].rate_down = 4;
  x.apply(status, now);
  CAF_CHECK_EQUAL(x.rates_of("a").down.last(), 3);
  CAF_CHECK_EQUAL(x.down_rate().last(), 7);
  status.peers.pop_back();
  x.apply(status, now);
  CAF_CHECK_EQUAL(x.rates_of("b").down.last(), 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
