/// What the directory of live actors costs for each message: an actor that
/// sends itself messages, as CAF has it and as we spawn it.

#include "actors/spawn.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include <benchmark/benchmark.h>

using namespace peapod;

namespace {

/// Messages of one round.
constexpr uint64_t round_length = 100'000;

struct counted {
  uint64_t left = 0;
};

struct start_counting {};

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(counted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(start_counting)

namespace {

using counter_actor =
    caf::typed_actor<caf::replies_to<start_counting>::with<uint64_t>,
                     caf::reacts_to<counted>>;

struct counter_state {
  const char* name = "counter";
  caf::typed_response_promise<uint64_t> done;
};

using counter_pointer = counter_actor::stateful_pointer<counter_state>;

counter_actor::behavior_type counter(counter_pointer self) {
  return {
      [self](start_counting) {
        self->state.done = self->make_response_promise<uint64_t>();
        self->send(self, counted{round_length});
        return self->state.done;
      },
      [self](counted x) {
        if (x.left > 0)
          self->send(self, counted{x.left - 1});
        else
          self->state.done.deliver(round_length);
      },
  };
}

void run(benchmark::State& state, caf::actor_system& system,
         const counter_actor& x) {
  caf::scoped_actor self{system};
  for (auto _ : state)
    self->request(x, caf::infinite, start_counting{})
        .receive([](uint64_t) {}, [](caf::error&) { std::abort(); });
  state.SetItemsProcessed(state.iterations()
                          * static_cast<int64_t>(round_length));
  self->send_exit(x, caf::exit_reason::user_shutdown);
}

struct one_worker : caf::actor_system_config {
  one_worker() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{1});
  }
};

void bare_actor(benchmark::State& state) {
  one_worker config;
  caf::actor_system system{config};
  run(state, system, system.spawn(counter));
}

void observed_actor(benchmark::State& state) {
  one_worker config;
  caf::actor_system system{config};
  auto live = std::make_shared<directory>();
  run(state, system,
      spawn_on<counter_actor, counter_state>({&system, nullptr, live},
                                             counter));
}

BENCHMARK(bare_actor)->UseRealTime();
BENCHMARK(observed_actor)->UseRealTime();

} // namespace

BENCHMARK_MAIN();
