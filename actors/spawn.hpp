#pragma once

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <exception>
#include <functional>
#include <string>
#include <utility>

/// How this program spawns actors. What is special to CAF 0.17 stands here and
/// in `actors/supervisor.cpp`.
namespace peapod {

/// Where a group of actors runs: on an execution unit of the host (those that
/// own sockets), or on CAF's workers when `unit` is null.
struct spawn_place {
  caf::actor_system* system = nullptr;
  caf::execution_unit* unit = nullptr;
  /// Told the name of an actor and what it threw.
  std::function<void(const char* name, const std::string& what)> on_crash;
};

/// A statically typed actor with a state that stays on its spawn place.
template <class Handle, class State>
class placed_actor : public caf::stateful_actor<State, typename Handle::base> {
public:
  using super = caf::stateful_actor<State, typename Handle::base>;
  using behavior_type = typename Handle::behavior_type;
  using init_function = std::function<behavior_type(super*)>;

  placed_actor(caf::actor_config& cfg, spawn_place place, init_function init)
    : super(cfg), place_(std::move(place)), init_(std::move(init)) {
    // The default handler prints to the terminal and loses the words.
    this->set_exception_handler([this](std::exception_ptr& x) -> caf::error {
      try {
        std::rethrow_exception(x);
      } catch (const std::exception& e) {
        if (place_.on_crash)
          place_.on_crash(this->name(), e.what());
      } catch (...) {
        if (place_.on_crash)
          place_.on_crash(this->name(), "an unknown exception");
      }
      return caf::exit_reason::unhandled_exception;
    });
  }

  caf::resumable::subtype_t subtype() const override {
    return place_.unit ? caf::resumable::io_actor : super::subtype();
  }

  using super::enqueue;

  void enqueue(caf::mailbox_element_ptr element,
               caf::execution_unit* unit) override {
    super::enqueue(std::move(element), place_.unit ? place_.unit : unit);
  }

  void launch(caf::execution_unit* unit, bool lazy, bool hide) override {
    super::launch(place_.unit ? place_.unit : unit, lazy, hide);
  }

protected:
  behavior_type make_behavior() override {
    return std::exchange(init_, nullptr)(this);
  }

private:
  spawn_place place_;
  init_function init_;
};

/// Spawns the actor that `init(self, args...)` describes. Arguments that are
/// moved in are held by nobody else once this has returned.
template <class Handle, class State, class Init, class... Args>
Handle spawn_on(const spawn_place& place, Init init, Args... args) {
  using impl = placed_actor<Handle, State>;
  typename impl::init_function bound =
      [init, ... args = std::move(args)](typename impl::super* self) mutable {
        return init(self, std::move(args)...);
      };
  return place.system->template spawn<impl>(place, std::move(bound));
}

/// Sends `x` to the actor behind `to`, whatever its type; nothing happens when
/// there is none.
template <class T>
void tell(const caf::strong_actor_ptr& to, T x) {
  if (to)
    caf::anon_send(caf::actor_cast<caf::actor>(to), std::move(x));
}

/// A callback that passes its argument to `self` as a message made by
/// `make(argument)`, unless `self` is gone. Does not keep `self` alive.
template <class Self, class Make>
auto send_back(Self* self, Make make) {
  return [addr = self->address(), make = std::move(make)](auto&&... xs) {
    if (auto to = caf::actor_cast<caf::strong_actor_ptr>(addr))
      tell(to, make(std::forward<decltype(xs)>(xs)...));
  };
}

} // namespace peapod
