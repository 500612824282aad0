#define CAF_SUITE conditions

#include "hosts/linux/conditions_linux.hpp"

#include "hosts/linux/metered_linux.hpp"
#include "tests/linux/bus_fixture.hpp"

#include <utility>
#include <vector>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct conditions_fixture {
  private_bus bus;
  std::unique_ptr<fake_services> services;
  boost::asio::io_context io;
  device_conditions now;
  unsigned told = 0;
  std::shared_ptr<void> watch;

  void start_bus() {
    bus.start();
    services = std::make_unique<fake_services>(bus);
    services->own(fake_services::manager);
    services->own(fake_services::power);
  }

  void start_watch() {
    watch = watch_conditions(io.get_executor(), [this](auto& x) {
      now = x;
      ++told;
    });
  }

  /// Runs both sides until it is true, for at most ten seconds.
  template <class Predicate>
  bool until(Predicate done) {
    auto end = std::chrono::steady_clock::now() + 10s;
    while (!done() && std::chrono::steady_clock::now() < end) {
      if (services)
        services->run();
      io.restart();
      io.run_for(2ms);
    }
    return done();
  }

  bool becomes(device_conditions x) {
    auto out = until([&] { return now == x; });
    CAF_CHECK(now.metered == x.metered);
    CAF_CHECK(now.on_battery == x.on_battery);
    CAF_CHECK(now.discharging == x.discharging);
    CAF_CHECK(now.battery == x.battery);
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(conditions_tests, conditions_fixture)

CAF_TEST(what the services know is told at the start) {
  start_bus();
  services->set_metered(1);
  services->set_on_battery(true);
  services->set_battery(true, 41.9, 2);
  start_watch();
  CAF_CHECK(becomes({true, true, true, uint8_t{41}}));
}

CAF_TEST(a line is metered or not and guesses count) {
  start_bus();
  start_watch();
  CAF_CHECK(becomes({{}, false, {}, {}}));
  const std::vector<std::pair<uint32_t, bool>> known{
      {1, true}, {2, false}, {3, true}, {4, false}};
  for (auto [value, metered] : known) {
    services->set_metered(value);
    CAF_CHECK(becomes({metered, false, {}, {}}));
  }
  services->set_metered(0);
  CAF_CHECK(becomes({{}, false, {}, {}}));
  services->set_metered(99);
  services->set_on_battery(true);
  CAF_CHECK(becomes({{}, true, {}, {}}));
}

CAF_TEST(a battery counts while it is there) {
  start_bus();
  start_watch();
  services->set_battery(true, 100, 4);
  CAF_CHECK(becomes({{}, false, false, uint8_t{100}}));
  services->set_on_battery(true);
  services->set_battery(true, 29.99, 2);
  CAF_CHECK(becomes({{}, true, true, uint8_t{29}}));
  services->set_battery(true, 29, 0);
  CAF_CHECK(becomes({{}, true, {}, uint8_t{29}}));
  services->set_battery(false, 0, 0);
  CAF_CHECK(becomes({{}, true, {}, {}}));
}

CAF_TEST(a service that ends is unknown until it is back) {
  start_bus();
  services->set_metered(1);
  start_watch();
  CAF_CHECK(becomes({true, false, {}, {}}));
  services->disown(fake_services::manager);
  CAF_CHECK(becomes({{}, false, {}, {}}));
  services->set_metered(3);
  services->own(fake_services::manager);
  CAF_CHECK(becomes({true, false, {}, {}}));
}

CAF_TEST(without the services nothing is told) {
  bus.start();
  start_watch();
  services = std::make_unique<fake_services>(bus);
  services->set_metered(1);
  // Answers for the first name come after those about the missing ones.
  services->own(fake_services::power);
  CAF_CHECK(becomes({{}, false, {}, {}}));
  CAF_CHECK_EQUAL(told, 1u);
}

CAF_TEST(a bus that comes late or again is found) {
  std::optional<bool> metered;
  system_bus followed{io.get_executor(), {10ms, 40ms}};
  follow_metered(followed, [&](auto x) { metered = x; });
  followed.start();
  start_bus();
  services->set_metered(1);
  CAF_CHECK(until([&] { return metered == true; }));
  services.reset();
  bus.stop();
  CAF_CHECK(until([&] { return !metered; }));
  start_bus();
  services->set_metered(2);
  CAF_CHECK(until([&] { return metered == false; }));
}

CAF_TEST(who lets go is told nothing any more) {
  start_bus();
  start_watch();
  CAF_CHECK(becomes({{}, false, {}, {}}));
  watch.reset();
  services->set_metered(1);
  auto before = told;
  // Somebody who still watches has seen it.
  std::optional<bool> metered;
  system_bus followed{io.get_executor()};
  follow_metered(followed, [&](auto x) { metered = x; });
  followed.start();
  CAF_CHECK(until([&] { return metered == true; }));
  CAF_CHECK_EQUAL(told, before);
}

CAF_TEST_FIXTURE_SCOPE_END()
