#define CAF_SUITE supervisor

#include "actors/supervisor.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

/// Children write their starts and ends here: `+a`, `-a`.
struct fixture : test_coordinator_fixture<> {
  std::string history;
  std::map<std::string, caf::actor> live;
  caf::actor root;
  bool root_ended = false;
  caf::error root_reason;

  ~fixture() override {
    end(root);
    for (auto& [name, x] : live)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    consume_messages();
  }

  void word(const std::string& x) {
    history += (history.empty() ? "" : " ") + x;
  }

  /// What has happened since the last look.
  std::string news() {
    consume_messages();
    return std::exchange(history, {});
  }

  child_spec child(const std::string& name,
                   restart_type restart = restart_type::permanent,
                   bool stubborn = false) {
    child_spec out;
    out.name = name;
    out.restart = restart;
    out.start = [=, this](caf::actor_system& system) {
      word("+" + name);
      auto x = system.spawn([=, this](caf::event_based_actor* self) {
        if (stubborn)
          self->set_exit_handler([](caf::exit_msg&) {});
        self->attach_functor([=, this] { word("-" + name); });
        return caf::behavior{[](int) {}};
      });
      live[name] = x;
      return caf::actor_cast<caf::strong_actor_ptr>(x);
    };
    return out;
  }

  child_spec broken(const std::string& name) {
    child_spec out;
    out.name = name;
    out.start = [=, this](caf::actor_system&) {
      word("?" + name);
      return caf::strong_actor_ptr{};
    };
    return out;
  }

  supervisor_actor supervise(restart_strategy strategy,
                             std::vector<child_spec> children) {
    supervisor_spec spec;
    spec.name = "test_supervisor";
    spec.strategy = strategy;
    spec.intensity = 3;
    spec.period = 10s;
    spec.children = std::move(children);
    auto out = spawn_supervisor(sys, std::move(spec));
    root = caf::actor_cast<caf::actor>(out);
    root->attach_functor([this](const caf::error& why) {
      root_ended = true;
      root_reason = why;
    });
    consume_messages();
    return out;
  }

  void crash(const std::string& name) {
    caf::anon_send_exit(live[name], caf::exit_reason::unhandled_exception);
  }

  void finish(const std::string& name) {
    caf::anon_send_exit(live[name], caf::exit_reason::user_shutdown);
  }

  void end(const caf::actor& x) {
    caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
    consume_messages();
  }

  uint64_t count(const supervisor_actor& x) {
    uint64_t out = 99;
    auto answer = self->request(x, caf::infinite, count_children{});
    consume_messages();
    answer.receive([&](uint64_t n) { out = n; }, [](caf::error&) {});
    return out;
  }
};

constexpr auto one_for_one = restart_strategy::one_for_one;
constexpr auto rest_for_one = restart_strategy::rest_for_one;
constexpr auto one_for_all = restart_strategy::one_for_all;

} // namespace

CAF_TEST_FIXTURE_SCOPE(supervisor_tests, fixture)

CAF_TEST(children start in order and stop in reverse) {
  supervise(one_for_one, {child("a"), child("b"), child("c")});
  CAF_CHECK_EQUAL(news(), "+a +b +c");
  end(root);
  CAF_CHECK_EQUAL(news(), "-c -b -a");
  CAF_CHECK(root_ended);
}

CAF_TEST(one for one restarts the child that failed) {
  supervise(one_for_one, {child("a"), child("b"), child("c")});
  news();
  crash("b");
  CAF_CHECK_EQUAL(news(), "-b +b");
}

CAF_TEST(rest for one restarts what started after the one that failed) {
  supervise(rest_for_one, {child("a"), child("b"), child("c")});
  news();
  crash("b");
  CAF_CHECK_EQUAL(news(), "-b -c +b +c");
  crash("c");
  CAF_CHECK_EQUAL(news(), "-c +c");
}

CAF_TEST(one for all restarts everybody) {
  supervise(one_for_all, {child("a"), child("b"), child("c")});
  news();
  crash("b");
  CAF_CHECK_EQUAL(news(), "-b -c -a +a +b +c");
}

CAF_TEST(a permanent child restarts however it ended) {
  supervise(one_for_one, {child("a")});
  news();
  finish("a");
  CAF_CHECK_EQUAL(news(), "-a +a");
}

CAF_TEST(a transient child restarts only after a failure) {
  auto x =
      supervise(one_for_one, {child("a", restart_type::transient), child("b")});
  news();
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a +a");
  finish("a");
  CAF_CHECK_EQUAL(news(), "-a");
  CAF_CHECK_EQUAL(count(x), 1u);
  // It stays away when somebody else restarts.
  crash("b");
  CAF_CHECK_EQUAL(news(), "-b +b");
}

CAF_TEST(a temporary child never restarts) {
  auto x = supervise(one_for_one, {child("a")});
  caf::anon_send(x, start_child{child("t", restart_type::temporary)});
  CAF_CHECK_EQUAL(news(), "+a +t");
  CAF_CHECK_EQUAL(count(x), 2u);
  crash("t");
  CAF_CHECK_EQUAL(news(), "-t");
  CAF_CHECK_EQUAL(count(x), 1u);
}

CAF_TEST(restarting too often ends the supervisor) {
  supervise(one_for_one, {child("a"), child("b")});
  news();
  for (int i = 0; i < 3; ++i) {
    crash("a");
    CAF_CHECK_EQUAL(news(), "-a +a");
  }
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a -b");
  CAF_CHECK(root_ended);
  CAF_CHECK(root_reason != caf::exit_reason::user_shutdown);
}

CAF_TEST(restarts that lie far apart are not too many) {
  supervise(one_for_one, {child("a")});
  news();
  for (int i = 0; i < 10; ++i) {
    crash("a");
    CAF_CHECK_EQUAL(news(), "-a +a");
    advance_time(4s);
  }
  CAF_CHECK(!root_ended);
}

CAF_TEST(a child that does not end in time is killed) {
  supervise(one_for_one,
            {child("a"), child("b", restart_type::permanent, true)});
  news();
  end(root);
  CAF_CHECK_EQUAL(news(), "");
  advance_time(1900ms);
  CAF_CHECK_EQUAL(news(), "");
  advance_time(200ms);
  CAF_CHECK_EQUAL(news(), "-b -a");
  CAF_CHECK(root_ended);
}

CAF_TEST(a child that cannot start fails its supervisor) {
  supervise(one_for_one, {child("a"), broken("b"), child("c")});
  CAF_CHECK_EQUAL(news(), "+a ?b -a");
  CAF_CHECK(root_ended);
  CAF_CHECK(root_reason != caf::exit_reason::user_shutdown);
}

CAF_TEST(a supervisor whose only child cannot start ends) {
  supervise(one_for_one, {broken("a")});
  CAF_CHECK_EQUAL(news(), "?a");
  CAF_CHECK(root_ended);
}

CAF_TEST(a supervisor that gives up is restarted by the one above) {
  supervisor_spec inner;
  inner.name = "inner";
  inner.intensity = 1;
  inner.children = {child("a")};
  unsigned starts = 0;
  supervise(rest_for_one,
            {supervisor_child(std::move(inner),
                              [&](const supervisor_actor&) { ++starts; }),
             child("z")});
  CAF_CHECK_EQUAL(news(), "+z +a");
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a +a");
  crash("a");
  news();
  CAF_CHECK_EQUAL(starts, 2u);
  CAF_CHECK(!root_ended);
  end(root);
}

CAF_TEST(a child that starts while its supervisor stops is not started) {
  auto x = supervise(one_for_one, {child("a", restart_type::permanent, true)});
  news();
  end(root);
  caf::anon_send(x, start_child{child("t", restart_type::temporary)});
  CAF_CHECK_EQUAL(news(), "");
  advance_time(3s);
  CAF_CHECK_EQUAL(news(), "-a");
}

CAF_TEST_FIXTURE_SCOPE_END()
