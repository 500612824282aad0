#define CAF_SUITE sharing_policy

#include "core/sharing_policy.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;
using enum sharing_obstacle;

namespace {

device_id device(uint8_t x) {
  device_id out;
  out.bytes[0] = x;
  return out;
}

const device_id friendly = device(1);
const url file = *parse_url("http://origin.example/file");

/// A machine that is told about one day.
sharing_policy policy(sharing_config config = {}) {
  sharing_policy out{std::move(config)};
  out.time_is({20260110, 202601, 3h, 72h, instant{1h}});
  return out;
}

std::optional<sharing_obstacle> asked(sharing_policy& x,
                                      const device_id& peer = friendly,
                                      const url& target = file) {
  return x.reserve(peer, target, 10).obstacle;
}

/// Under these conditions.
std::optional<sharing_obstacle> asked(const sharing_config& config,
                                      const device_conditions& conditions) {
  auto x = policy(config);
  x.observe(conditions);
  auto out = asked(x);
  CAF_CHECK(x.state().paused == out);
  CAF_CHECK_EQUAL(x.offers(friendly).on, !out);
  return out;
}

device_conditions battery(uint8_t percent, bool on_battery) {
  return {std::nullopt, on_battery, on_battery, percent};
}

} // namespace

// -- who and what -------------------------------------------------------------

CAF_TEST(a device shares with everybody unless told otherwise) {
  auto x = policy();
  CAF_CHECK(!asked(x));
  CAF_CHECK(!x.state().paused);
  CAF_CHECK(x.offers(friendly) == wire2::sharing{});
}

CAF_TEST(a device that does not share refuses for good) {
  sharing_config config;
  config.on = false;
  auto x = policy(config);
  CAF_CHECK(asked(x) == off);
  CAF_CHECK(is_lasting(off));
  CAF_CHECK(x.state().paused == off);
  CAF_CHECK(!x.offers(friendly).on);
}

CAF_TEST(single devices can be left out by their id) {
  sharing_config config;
  config.never_peers = {device(7)};
  auto x = policy(config);
  CAF_CHECK(asked(x, device(7)) == peer);
  CAF_CHECK(!asked(x, friendly));
  CAF_CHECK(!x.offers(device(7)).on);
  CAF_CHECK(x.offers(friendly).on);
  CAF_CHECK(is_lasting(peer));
}

CAF_TEST(some hosts are never fetched from) {
  sharing_config config;
  for (auto text : {"intranet.example", "203.0.113.0/24", "a.example:8080"})
    config.never_hosts.push_back(*parse_host_pattern(text));
  auto x = policy(config);
  for (auto text : {"http://intranet.example/",
                    "https://WWW.intranet.example./x", "http://203.0.113.9/",
                    "http://[::ffff:203.0.113.9]/", "http://a.example:8080/"}) {
    auto target = *parse_url(text);
    CAF_CHECK(asked(x, friendly, target) == host);
    CAF_CHECK(!x.may_fetch(target));
  }
  CAF_CHECK(!asked(x, friendly, *parse_url("http://a.example/")));
  CAF_CHECK(is_lasting(host));
}

CAF_TEST(what is refused takes nothing of the quota) {
  sharing_config config;
  config.limits = {10, 0};
  config.never_hosts.push_back(*parse_host_pattern("a.example"));
  auto x = policy(config);
  CAF_CHECK(asked(x, friendly, *parse_url("http://a.example/")) == host);
  x.observe({true, {}, {}, {}});
  CAF_CHECK(asked(x) == metered);
  x.observe({});
  CAF_CHECK(!asked(x));
  CAF_CHECK(asked(x) == day_quota);
}

// -- line and power -----------------------------------------------------------

CAF_TEST(what is not known pauses nothing) {
  CAF_CHECK(!asked({}, {}));
}

CAF_TEST(a metered line pauses sharing unless the user wants it) {
  CAF_CHECK(asked({}, {true, {}, {}, {}}) == metered);
  CAF_CHECK(!asked({}, {false, {}, {}, {}}));
  sharing_config config;
  config.when_metered = true;
  CAF_CHECK(!asked(config, {true, {}, {}, {}}));
  CAF_CHECK(!is_lasting(metered));
}

CAF_TEST(a device on battery pauses whatever is left of it) {
  CAF_CHECK(asked({}, battery(100, true)) == on_battery);
  CAF_CHECK(!asked({}, battery(5, false)));
  CAF_CHECK(!is_lasting(on_battery));
}

CAF_TEST(who shares on battery still pauses when it runs low) {
  sharing_config config;
  config.on_battery = true;
  CAF_CHECK(!asked(config, battery(30, true)));
  CAF_CHECK(asked(config, battery(29, true)) == low_battery);
  // It is being charged.
  CAF_CHECK(!asked(config, battery(29, false)));
  // The mains are too weak.
  CAF_CHECK(asked(config, {{}, false, true, 29}) == low_battery);
  // Nobody says whether it gets emptier.
  CAF_CHECK(asked(config, {{}, true, {}, 29}) == low_battery);
  CAF_CHECK(!asked(config, {{}, {}, {}, 29}));
  config.min_battery = 0;
  CAF_CHECK(!asked(config, battery(0, true)));
}

// -- quotas -------------------------------------------------------------------

CAF_TEST(a quota says until when) {
  sharing_config config;
  config.limits = {25, 100};
  auto x = policy(config);
  CAF_CHECK(!asked(x));
  CAF_CHECK(!asked(x));
  CAF_CHECK(x.reserve(friendly, file, 10)
            == (sharing_verdict{day_quota, std::nullopt}));
  x.settle(10, 10);
  x.settle(10, 10);
  CAF_CHECK(x.reserve(friendly, file, 10) == (sharing_verdict{day_quota, 3h}));
  CAF_CHECK(!is_lasting(day_quota) && !is_lasting(month_quota));
  // Five are left for somebody who asks for less.
  CAF_CHECK(!x.state().paused);
  CAF_CHECK(x.offers(friendly).left_today == uint64_t{5});
  CAF_CHECK(!x.reserve(friendly, file, 5).obstacle);
  x.settle(5, 5);
  CAF_CHECK(x.state().paused == day_quota);
  CAF_CHECK(!x.offers(friendly).on);
  CAF_CHECK_EQUAL(x.state().used.day_bytes, 25u);
  CAF_CHECK_EQUAL(x.state().used.month_bytes, 25u);
}

CAF_TEST(what peers are told is what holds) {
  sharing_config config;
  config.rate = 1000;
  config.limits = {0, 500};
  config.on_battery = true;
  auto x = policy(config);
  x.observe({false, true, true, 80});
  CAF_CHECK(!asked(x));
  CAF_CHECK(x.offers(friendly)
            == (wire2::sharing{true, 1000, 490, false, uint8_t{80}}));
  x.observe({true, {}, {}, {}});
  CAF_CHECK(x.offers(friendly) == (wire2::sharing{false, 1000, 490, true, {}}));
}
