#define CAF_SUITE event_log

#include "actors/event_log.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>

using namespace peapod;

namespace {

pod_event event(event_kind kind) {
  pod_event out;
  out.kind = kind;
  return out;
}

std::vector<pod_event> kept(event_log& log, uint64_t since = 0) {
  return log.follow(since)->take({}).items;
}

} // namespace

CAF_TEST(what happens seldom outlives what happens all the time) {
  event_log log;
  log.publish(event(event_kind::source_lied));
  log.publish(event(event_kind::peer_up));
  for (int i = 0; i < 2000; ++i) {
    log.publish(event(event_kind::spawned));
    log.publish(event(event_kind::down));
  }
  auto all = kept(log);
  CAF_REQUIRE(all.size() > 2);
  CAF_CHECK(all[0].kind == event_kind::source_lied);
  CAF_CHECK(all[1].kind == event_kind::peer_up);
  for (int i = 0; i < 2000; ++i)
    log.publish(event(event_kind::peer_down));
  all = kept(log);
  CAF_CHECK(all[0].kind == event_kind::source_lied);
  CAF_CHECK(all.size() < 1000);
}

CAF_TEST(what is kept comes in the order in which it happened) {
  event_log log;
  for (int i = 0; i < 300; ++i)
    for (auto kind : {event_kind::down, event_kind::peer_trusted,
                      event_kind::transfer_done, event_kind::spawned})
      log.publish(event(kind));
  auto all = kept(log);
  CAF_CHECK(std::ranges::is_sorted(all, {}, &pod_event::seq));
  CAF_CHECK_EQUAL(all.back().seq, 1200u);
  auto late = kept(log, 1190);
  CAF_CHECK_EQUAL(late.size(), 10u);
  CAF_CHECK_EQUAL(late.front().seq, 1191u);
}
