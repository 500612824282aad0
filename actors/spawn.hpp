#pragma once

#include "actors/directory.hpp"
#include "actors/message_info.hpp"
#include "actors/running.hpp"
#include "actors/self_description.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

/// How this program spawns actors, and how it watches them. What is special to
/// CAF 0.17 stands here and in `actors/supervisor.cpp`.
namespace peapod {

/// Where a group of actors runs: on an execution unit of the host (those that
/// own sockets), or on CAF's workers when `unit` is null.
struct spawn_place {
  caf::actor_system* system = nullptr;
  caf::execution_unit* unit = nullptr;
  directory_ptr live; ///< sees every actor of this place
};

/// A statically typed actor with a state that stays on its spawn place and can
/// be seen in the directory.
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
      report_crash(words_of(x));
      return caf::exit_reason::unhandled_exception;
    });
  }

  // -- where it runs ----------------------------------------------------------

  caf::resumable::subtype_t subtype() const override {
    return place_.unit ? caf::resumable::io_actor : super::subtype();
  }

  using super::enqueue;

  void enqueue(caf::mailbox_element_ptr element,
               caf::execution_unit* unit) override {
    if (record_ && !is_control(*element))
      record_->count_enqueued();
    super::enqueue(std::move(element), place_.unit ? place_.unit : unit);
  }

  void launch(caf::execution_unit* unit, bool lazy, bool hide) override {
    record_ = place_.live->add(caf::actor_cast<caf::strong_actor_ptr>(this),
                               this->name(), place_.unit != nullptr);
    super::launch(place_.unit ? place_.unit : unit, lazy, hide);
  }

  // -- what it does -----------------------------------------------------------

  caf::resumable::resume_result resume(caf::execution_unit* unit,
                                       size_t throughput) override {
    running_scope scope{this->ctrl(), record_.get()};
    return super::resume(unit, throughput);
  }

  using super::consume;

  caf::invoke_message_result consume(caf::mailbox_element& x) override {
    if (is_control(x)) {
      obey(x);
      return caf::invoke_message_result::consumed;
    }
    auto& content = x.content();
    handling scope{*record_, x.sender ? x.sender->id() : 0, type_of(content),
                   payload_of(content)};
    if (type_of(content) != nullptr && disturb(x))
      return caf::invoke_message_result::consumed;
    auto out = super::consume(x);
    if (!this->alive())
      note_end();
    return out;
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    if (record_)
      place_.live->remove(record_, reason);
    return super::cleanup(std::move(reason), unit);
  }

  // -- whom it is tied to -----------------------------------------------------

  void add_link(caf::abstract_actor* other) override {
    record_->add_link(other->id());
    super::add_link(other);
  }

  void remove_link(caf::abstract_actor* other) override {
    record_->remove_link(other->id());
    super::remove_link(other);
  }

  bool add_backlink(caf::abstract_actor* other) override {
    record_->add_link(other->id());
    return super::add_backlink(other);
  }

  bool remove_backlink(caf::abstract_actor* other) override {
    record_->remove_link(other->id());
    return super::remove_backlink(other);
  }

protected:
  behavior_type make_behavior() override {
    auto out = std::exchange(init_, nullptr)(this);
    describe_briefly();
    return out;
  }

private:
  /// Times one message.
  class handling {
  public:
    handling(actor_record& record, actor_number from,
             const std::type_info* type, uint64_t size)
      : record_(record), exceptions_(std::uncaught_exceptions()) {
      record_.begin(from, type, size);
    }
    handling(const handling&) = delete;
    ~handling() {
      record_.finish(std::uncaught_exceptions() > exceptions_);
    }

  private:
    actor_record& record_;
    int exceptions_;
  };

  static bool is_control(const caf::mailbox_element& x) {
    return x.is_high_priority()
           && x.content().template match_elements<actor_control>();
  }

  void obey(const caf::mailbox_element& x) {
    auto& order = x.content().template get_as<actor_control>(0);
    if (order.crash)
      throw std::runtime_error(*order.crash);
    if (order.describe)
      order.describe(*record_, describe_self(this->state, true));
  }

  /// Does to a message what was asked for; whether it is not to be handled.
  bool disturb(caf::mailbox_element& x) {
    auto fault = record_->next_fault();
    switch (fault.what) {
      case fault::kind::none:
        return false;
      case fault::kind::crash:
        throw std::runtime_error("a crash was injected");
      case fault::kind::drop:
        return true;
      case fault::kind::delay:
        again(x, this->clock().now() + fault.delay);
        return true;
      case fault::kind::duplicate:
        again(x, this->clock().now());
        return false;
      case fault::kind::hang:
        std::this_thread::sleep_for(fault.delay);
        return false;
    }
    return false;
  }

  /// Handles a copy of a message at another time.
  void again(const caf::mailbox_element& x, caf::actor_clock::time_point when) {
    // Safe: the members of `content()` do not change.
    auto copy = const_cast<caf::mailbox_element&>(x).copy_content_to_message();
    this->clock().schedule_message(
        when, caf::actor_cast<caf::strong_actor_ptr>(this),
        caf::make_mailbox_element(x.sender, x.mid, {}, std::move(copy)));
  }

  static std::string words_of(const std::exception_ptr& x) {
    try {
      std::rethrow_exception(x);
    } catch (const std::exception& e) {
      return e.what();
    } catch (...) {
      return "an unknown exception";
    }
  }

  void report_crash(std::string why) {
    if (!std::exchange(reported_, true))
      place_.live->crashed(*record_, std::move(why),
                           describe_self(this->state, true));
  }

  /// The last look at the state: CAF destroys it before it tells the end.
  void note_end() {
    if (is_failure(this->fail_state())) {
      report_crash(reason_text(this->fail_state()));
      return;
    }
    describe_briefly();
  }

  void describe_briefly() {
    auto now = describe_self(this->state, false);
    record_->set_description(std::move(now.about), std::move(now.summary));
  }

  spawn_place place_;
  init_function init_;
  record_ptr record_;
  bool reported_ = false;
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

} // namespace peapod
