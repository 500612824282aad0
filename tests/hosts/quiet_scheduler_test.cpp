#define CAF_SUITE quiet_scheduler

#include "hosts/common/quiet_scheduler.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

/// A clock that counts what it is told.
class counting_clock final : public caf::detail::thread_safe_actor_clock {
public:
  void set_ordinary_timeout(time_point, caf::abstract_actor*, caf::atom_value,
                            uint64_t) override {
    ++timeouts;
  }
  void set_request_timeout(time_point, caf::abstract_actor*,
                           caf::message_id) override {
    ++timeouts;
  }
  void cancel_timeouts(caf::abstract_actor*) override {
    ++cancelled;
  }

  int timeouts = 0;
  int cancelled = 0;
};

struct quiet_scheduler_fixture {
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor one{system};
  caf::scoped_actor other{system};
  counting_clock inner;
  quiet_clock clock{inner};
  caf::actor_clock::time_point later = caf::actor_clock::clock_type::now() + 1h;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(quiet_clock_tests, quiet_scheduler_fixture)

CAF_TEST(the end of an actor that has no timeouts does not disturb the clock) {
  clock.set_request_timeout(later, &*other, caf::make_message_id());
  clock.cancel_timeouts(&*one);
  CAF_CHECK_EQUAL(inner.timeouts, 1);
  CAF_CHECK_EQUAL(inner.cancelled, 0);
}

CAF_TEST(the timeouts of an actor that ends are cancelled) {
  clock.set_ordinary_timeout(later, &*one, caf::atom("test"), 1);
  clock.cancel_timeouts(&*one);
  CAF_CHECK_EQUAL(inner.cancelled, 1);
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(actors run and delayed messages come under the quiet scheduler) {
  caf::actor_system_config config;
  use_quiet_scheduler(config);
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  auto echo = system.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](int x) { return x + 1; }};
  });
  int answer = 0;
  self->request(echo, caf::infinite, 1)
      .receive([&](int x) { answer = x; }, [](const caf::error&) {});
  CAF_CHECK_EQUAL(answer, 2);
  self->delayed_send(self, 1ms, 3);
  self->receive([&](int x) { answer = x; });
  CAF_CHECK_EQUAL(answer, 3);
}
