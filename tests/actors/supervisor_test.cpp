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

using idle_actor = caf::typed_actor<caf::reacts_to<int>>;

struct idle_state {
  const char* name = "idle";
};

/// Children write their starts and ends here: `+a`, `-a`.
struct supervisor_fixture : test_coordinator_fixture<> {
  directory_ptr live_actors = std::make_shared<directory>();
  spawn_place place{&sys, nullptr, live_actors};
  std::string history;
  std::map<std::string, caf::actor> live;
  caf::actor root;
  bool root_ended = false;
  caf::error root_reason;

  ~supervisor_fixture() override {
    end(root);
    for (auto& [name, x] : live)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    consume_messages();
  }

  void word(const std::string& x) {
    history += (history.empty() ? "" : " ") + x;
  }

  void wait(duration time) {
    consume_messages();
    advance_time(std::chrono::duration_cast<caf::timespan>(time));
    consume_messages();
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

  /// A child that the directory sees; it does nothing.
  child_spec observed_child(const std::string& name) {
    child_spec out;
    out.name = name;
    out.start = [=, this](caf::actor_system&) {
      word("+" + name);
      auto x = spawn_on<idle_actor, idle_state>(
          place, [](idle_actor::stateful_pointer<idle_state>) {
            return idle_actor::behavior_type{[](int) {}};
          });
      x->attach_functor([=, this] { word("-" + name); });
      return caf::actor_cast<caf::strong_actor_ptr>(x);
    };
    return out;
  }

  caf::actor handle_of(const std::string& name) {
    for (auto& x : live_actors->records())
      if (x->name() == name)
        return caf::actor_cast<caf::actor>(
            caf::actor_cast<caf::strong_actor_ptr>(x->handle));
    return {};
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
    auto out = spawn_supervisor(place, std::move(spec));
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

  actor_number id_of(const std::string& name) {
    return live[name].id();
  }

  /// A supervisor of children of one kind.
  supervisor_actor supervise_crowd(restart_type restart) {
    child_spec kind;
    kind.name = "kind";
    kind.restart = restart;
    return supervise(restart_strategy::simple_one_for_one, {kind});
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

CAF_TEST_FIXTURE_SCOPE(supervisor_tests, supervisor_fixture)

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
    wait(1s);
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
    wait(4s);
    wait(8s);
    CAF_CHECK_EQUAL(news(), "-a +a");
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
            {supervisor_child(place, std::move(inner),
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

// -- waits between restarts ---------------------------------------------------

CAF_TEST(the first restart is immediate and later ones wait twice as long) {
  supervise(one_for_one, {child("a")});
  news();
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a +a");
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a");
  wait(99ms);
  CAF_CHECK_EQUAL(news(), "");
  wait(1ms);
  CAF_CHECK_EQUAL(news(), "+a");
  crash("a");
  wait(199ms);
  CAF_CHECK_EQUAL(news(), "-a");
  wait(1ms);
  CAF_CHECK_EQUAL(news(), "+a");
}

CAF_TEST(children that wait with the failed one come back with it in order) {
  supervise(rest_for_one, {child("a"), child("b"), child("c")});
  news();
  crash("a");
  news();
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a -c -b");
  wait(100ms);
  CAF_CHECK_EQUAL(news(), "+a +b +c");
}

CAF_TEST(a child that fails while another one waits comes back with it) {
  supervise(one_for_one, {child("a"), child("b")});
  news();
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a +a");
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a");
  crash("b");
  CAF_CHECK_EQUAL(news(), "-b");
  wait(100ms);
  CAF_CHECK_EQUAL(news(), "+a +b");
}

CAF_TEST(a child that cannot be started again is tried again later) {
  bool works = true;
  auto x = child("a");
  x.start = [&works, start = x.start](caf::actor_system& system) {
    return works ? start(system) : nullptr;
  };
  supervise(one_for_one, {x, child("b")});
  news();
  works = false;
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a");
  works = true;
  wait(100ms);
  CAF_CHECK_EQUAL(news(), "+a");
  CAF_CHECK(!root_ended);
  works = false;
  crash("a");
  for (int i = 0; i < 10; ++i)
    wait(1s);
  CAF_CHECK_EQUAL(news(), "-a -b");
  CAF_CHECK(root_ended);
}

CAF_TEST(a start function that throws is a child that cannot start) {
  auto x = child("a");
  x.start = [](caf::actor_system&) -> caf::strong_actor_ptr {
    throw std::runtime_error("no memory");
  };
  supervise(one_for_one, {x});
  CAF_CHECK(root_ended);
}

CAF_TEST(a supervisor that is told to end while it waits ends) {
  supervise(one_for_one, {child("a"), child("b")});
  crash("a");
  news();
  crash("a");
  news();
  end(root);
  CAF_CHECK(root_ended);
  wait(1s);
  CAF_CHECK_EQUAL(news(), "-b");
}

// -- children of one kind -----------------------------------------------------

CAF_TEST(children of one kind come and go by themselves) {
  auto x = supervise_crowd(restart_type::temporary);
  CAF_CHECK_EQUAL(news(), "");
  caf::anon_send(x, start_child{child("a")});
  caf::anon_send(x, start_child{child("b")});
  CAF_CHECK_EQUAL(news(), "+a +b");
  auto who = live_actors->find(id_of("a"));
  CAF_CHECK(who == nullptr); // a child of the test is no actor of ours
  crash("a");                // temporary, as the template says
  CAF_CHECK_EQUAL(news(), "-a");
  CAF_CHECK_EQUAL(count(x), 1u);
}

CAF_TEST(children of one kind restart alone) {
  auto x = supervise_crowd(restart_type::transient);
  caf::anon_send(x, start_child{child("a")});
  caf::anon_send(x, start_child{child("b")});
  news();
  crash("a");
  CAF_CHECK_EQUAL(news(), "-a +a");
  finish("b");
  CAF_CHECK_EQUAL(news(), "-b");
  CAF_CHECK_EQUAL(count(x), 1u);
}

CAF_TEST(children of one kind are stopped together) {
  auto x = supervise_crowd(restart_type::temporary);
  for (auto name : {"a", "b", "c"})
    caf::anon_send(x, start_child{child(name, restart_type::temporary, true)});
  news();
  end(root);
  CAF_CHECK_EQUAL(news(), "");
  wait(2s); // one grace for all of them
  CAF_CHECK_EQUAL(news().size(), std::string{"-a -b -c"}.size());
  CAF_CHECK(root_ended);
}

// -- restarts by hand ---------------------------------------------------------

CAF_TEST(a restart by hand follows the strategy and counts as no failure) {
  auto x = supervise(rest_for_one, {child("a"), child("b"), child("c")});
  news();
  for (int i = 0; i < 10; ++i) {
    caf::anon_send(x, restart_child{id_of("b")});
    CAF_CHECK_EQUAL(news(), "-c -b +b +c");
  }
  CAF_CHECK(!root_ended);
  crash("b");
  CAF_CHECK_EQUAL(news(), "-b -c +b +c"); // at once: it had never failed
}

CAF_TEST(a temporary child is not restarted by hand) {
  auto x = supervise(one_for_one, {child("a", restart_type::temporary)});
  news();
  caf::anon_send(x, restart_child{id_of("a")});
  caf::anon_send(x, restart_child{12345});
  CAF_CHECK_EQUAL(news(), "");
}

// -- supervisors that are killed ----------------------------------------------

CAF_TEST(a killed supervisor starts again once its children have ended) {
  supervisor_spec inner;
  inner.name = "inner";
  inner.children = {observed_child("a")};
  supervise(one_for_one, {supervisor_child(place, std::move(inner))});
  CAF_CHECK_EQUAL(news(), "+a");
  caf::anon_send_exit(handle_of("inner"), caf::exit_reason::kill);
  consume_messages();
  wait(20ms);
  wait(20ms);
  CAF_CHECK_EQUAL(news(), "-a +a");
}

CAF_TEST_FIXTURE_SCOPE_END()
