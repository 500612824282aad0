#define CAF_SUITE watchdog

#include "hosts/common/watchdog.hpp"

#include "actors/spawn.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <future>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

struct block {
  std::shared_future<void> until;
};

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(block)

namespace {

using blocked_actor = caf::typed_actor<caf::reacts_to<block>>;

struct blocked_state {
  const char* name = "blocked";
};

blocked_actor::behavior_type
blocked(blocked_actor::stateful_pointer<blocked_state>) {
  return {[](const block& x) { x.until.wait(); }};
}

/// An actor, and a thread that runs sockets as long as this lives.
struct watchdog_fixture {
  caf::actor_system_config config;
  caf::actor_system system{config};
  directory_ptr live = std::make_shared<directory>();
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      io.get_executor()};
  std::thread thread;
  std::promise<std::string> barked;
  std::future<std::string> bark = barked.get_future();

  ~watchdog_fixture() {
    io.stop();
    if (thread.joinable())
      thread.join();
  }

  void run_io() {
    thread = std::thread{[this] { io.run(); }};
  }

  std::unique_ptr<watchdog> watch() {
    return std::make_unique<watchdog>(
        live, io.get_executor(), 1s, [](const std::string&) {},
        [this](std::string what) { barked.set_value(std::move(what)); });
  }

  bool barks() {
    return bark.wait_for(20s) == std::future_status::ready;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(watchdog_tests, watchdog_fixture)

CAF_TEST(a handler that does not return is told with its actor and message) {
  run_io();
  auto x =
      spawn_on<blocked_actor, blocked_state>({&system, nullptr, live}, blocked);
  auto dog = watch();
  std::promise<void> release;
  caf::anon_send(x, block{release.get_future().share()});
  CAF_CHECK(barks());
  auto words = bark.get();
  CAF_CHECK(words.find("blocked hangs: it has been handling block")
            != std::string::npos);
  release.set_value();
  dog.reset();
  caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
  x = nullptr;
  system.await_all_actors_done();
}

CAF_TEST(a thread of the sockets that does not run is told) {
  auto dog = watch();
  CAF_CHECK(barks());
  CAF_CHECK(bark.get().find("the thread of the sockets hangs")
            != std::string::npos);
}

CAF_TEST(rates follow what actors do) {
  run_io();
  auto x =
      spawn_on<blocked_actor, blocked_state>({&system, nullptr, live}, blocked);
  auto dog = watch();
  std::promise<void> released;
  released.set_value();
  auto done = released.get_future().share();
  auto record = live->records().at(0);
  auto deadline = std::chrono::steady_clock::now() + 20s;
  while (record->row().rate == 0 && std::chrono::steady_clock::now() < deadline)
    caf::anon_send(x, block{done});
  CAF_CHECK(record->row().rate > 0);
  dog.reset();
  caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
  x = nullptr;
  system.await_all_actors_done();
}

CAF_TEST_FIXTURE_SCOPE_END()
