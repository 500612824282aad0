#pragma once

#include <caf/actor_system_config.hpp>
#include <caf/detail/thread_safe_actor_clock.hpp>

#include <mutex>
#include <unordered_set>

namespace peapod {

/// A clock that is only disturbed when there is a reason to. CAF cancels the
/// timeouts of each actor that ends, most of which have none, and every order
/// wakes the clock's thread: for actors that live as long as one connection
/// that would be the dearest part of their end.
class quiet_clock final : public caf::detail::thread_safe_actor_clock {
public:
  /// `clock` does the work and has to live longer.
  explicit quiet_clock(caf::actor_clock& clock) : clock_(clock) {}

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self,
                            caf::atom_value type, uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self,
                         caf::atom_value type, uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self,
                           caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self,
                               caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self,
                              caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target,
                        caf::strong_actor_ptr sender,
                        caf::message content) override;
  void cancel_all() override;

private:
  void note(const caf::abstract_actor& self);

  caf::actor_clock& clock_;
  std::mutex mutex_;
  std::unordered_set<caf::actor_id> with_timeouts_; ///< until they end
};

/// Makes actor systems of `config` run with two workers that sleep while there
/// is nothing to do (CAF's default policy lets them spin), and a quiet clock.
void use_quiet_scheduler(caf::actor_system_config& config);

} // namespace peapod
