#define CAF_SUITE asio_unit

#include "hosts/net/asio_unit.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/ref_counted.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include <caf/test/unit_test.hpp>

using namespace peapod::net;

namespace {

using outcome = caf::resumable::resume_result;

/// Stands in for an actor that owns sockets.
class job final : public caf::resumable, public caf::ref_counted {
public:
  explicit job(std::function<outcome()> work) : work_(std::move(work)) {}

  subtype_t subtype() const override {
    return io_actor;
  }
  resume_result resume(caf::execution_unit*, size_t) override {
    return work_();
  }
  void intrusive_ptr_add_ref_impl() override {
    ref();
  }
  void intrusive_ptr_release_impl() override {
    deref();
  }

private:
  std::function<outcome()> work_;
};

struct asio_unit_fixture {
  asio_unit_fixture() {
    unit.emplace(system, io.get_executor());
  }

  void schedule(std::function<outcome()> work) {
    unit->exec_later(new job{std::move(work)});
  }

  /// Schedules as an actor on the thread of the sockets does.
  void schedule_inside(std::function<outcome()> work) {
    boost::asio::post(io, [this, work = std::move(work)] { schedule(work); });
    io.run_one();
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  boost::asio::io_context io{1};
  std::optional<asio_unit> unit;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(asio_unit_tests, asio_unit_fixture)

CAF_TEST(actors that wake each other take one turn of the event loop) {
  int ran = 0;
  std::function<outcome()> next = [&] {
    if (++ran < 4)
      schedule(next);
    return caf::resumable::awaiting_message;
  };
  schedule_inside(next);
  CAF_CHECK_EQUAL(io.run_one(), 1u);
  CAF_CHECK_EQUAL(ran, 4);
  CAF_CHECK_EQUAL(io.poll(), 0u);
}

CAF_TEST(an actor that never rests lets the sockets have their turn) {
  int ran = 0;
  bool had_turn = false;
  schedule_inside([&] {
    if (++ran == 1)
      boost::asio::post(io, [&] { had_turn = true; });
    return had_turn || ran == 1000 ? caf::resumable::awaiting_message
                                   : caf::resumable::resume_later;
  });
  io.run();
  CAF_CHECK(had_turn);
  CAF_CHECK_LESS(ran, 1000);
}

CAF_TEST(what an actor throws does not hold up the others) {
  bool ran = false;
  schedule_inside([&]() -> outcome {
    schedule([&] {
      ran = true;
      return caf::resumable::awaiting_message;
    });
    throw std::runtime_error("a bug");
  });
  bool threw = false;
  try {
    io.run();
  } catch (const std::runtime_error&) {
    threw = true;
  }
  CAF_CHECK(threw);
  CAF_CHECK(!ran);
  io.run();
  CAF_CHECK(ran);
}

CAF_TEST(actors are scheduled from other threads) {
  int ran = 0;
  std::thread{[&] {
    schedule([&] {
      ++ran;
      return caf::resumable::awaiting_message;
    });
  }}.join();
  io.run();
  CAF_CHECK_EQUAL(ran, 1);
}

CAF_TEST(an actor whose turn never comes is let go of) {
  auto held = std::make_shared<int>();
  schedule_inside([held] { return caf::resumable::awaiting_message; });
  CAF_CHECK_EQUAL(held.use_count(), 2);
  unit.reset();
  CAF_CHECK_EQUAL(held.use_count(), 1);
}

CAF_TEST_FIXTURE_SCOPE_END()
