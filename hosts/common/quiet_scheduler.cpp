#include "hosts/common/quiet_scheduler.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/policy/work_sharing.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <utility>

namespace peapod {

namespace {

/// CAF's scheduler with the policy `sharing`, and the quiet clock.
class quiet_scheduler final
  : public caf::scheduler::coordinator<caf::policy::work_sharing> {
public:
  using sharing = caf::scheduler::coordinator<caf::policy::work_sharing>;
  using sharing::sharing;

  static caf::actor_system::module* make(caf::actor_system& system,
                                         caf::detail::type_list<>) {
    return new quiet_scheduler(system);
  }

  quiet_clock& clock() noexcept override {
    return clock_;
  }

private:
  quiet_clock clock_{sharing::clock()};
};

} // namespace

void use_quiet_scheduler(caf::actor_system_config& config) {
  config.set("scheduler.max-threads", size_t{2});
  config.load<quiet_scheduler>();
}

// -- quiet_clock --------------------------------------------------------------

void quiet_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self,
                                       caf::atom_value type, uint64_t id) {
  note(*self);
  clock_.set_ordinary_timeout(t, self, type, id);
}

void quiet_clock::set_multi_timeout(time_point t, caf::abstract_actor* self,
                                    caf::atom_value type, uint64_t id) {
  note(*self);
  clock_.set_multi_timeout(t, self, type, id);
}

void quiet_clock::set_request_timeout(time_point t, caf::abstract_actor* self,
                                      caf::message_id id) {
  note(*self);
  clock_.set_request_timeout(t, self, id);
}

void quiet_clock::cancel_ordinary_timeout(caf::abstract_actor* self,
                                          caf::atom_value type) {
  clock_.cancel_ordinary_timeout(self, type);
}

void quiet_clock::cancel_request_timeout(caf::abstract_actor* self,
                                         caf::message_id id) {
  clock_.cancel_request_timeout(self, id);
}

void quiet_clock::cancel_timeouts(caf::abstract_actor* self) {
  {
    std::lock_guard guard{mutex_};
    if (with_timeouts_.erase(self->id()) == 0)
      return;
  }
  clock_.cancel_timeouts(self);
}

void quiet_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver,
                                   caf::mailbox_element_ptr content) {
  clock_.schedule_message(t, std::move(receiver), std::move(content));
}

void quiet_clock::schedule_message(time_point t, caf::group target,
                                   caf::strong_actor_ptr sender,
                                   caf::message content) {
  clock_.schedule_message(t, std::move(target), std::move(sender),
                          std::move(content));
}

void quiet_clock::cancel_all() {
  clock_.cancel_all();
}

void quiet_clock::note(const caf::abstract_actor& self) {
  std::lock_guard guard{mutex_};
  with_timeouts_.insert(self.id());
}

} // namespace peapod
