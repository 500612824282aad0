#include "hosts/get/progress_keeper.hpp"

namespace peapod {

console_actor::behavior_type
progress_keeper_behavior(progress_keeper_state::self_pointer self,
                         std::shared_ptr<board> shown) {
  self->state.shown = std::move(shown);
  return {
      [self](transfer_reported& msg) {
        self->state.shown->set_ledger(msg.status.id,
                                      std::move(msg.status.ledger));
      },
      [](const session_reported&) {},
      [](const get_status&) { return pod_status{}; },
  };
}

} // namespace peapod
