#include "actors/running.hpp"

#include "actors/self_description.hpp"

#include <utility>

namespace peapod {

namespace {

thread_local caf::actor_control_block* current_actor = nullptr;
thread_local actor_record* current_record = nullptr;

} // namespace

running_scope::running_scope(caf::actor_control_block* actor,
                             actor_record* record)
  : actor_(std::exchange(current_actor, actor)),
    record_(std::exchange(current_record, record)) {}

running_scope::~running_scope() {
  current_actor = actor_;
  current_record = record_;
}

caf::strong_actor_ptr running_actor() {
  return caf::strong_actor_ptr{current_actor};
}

actor_record* running_record() {
  return current_record;
}

void tell_crash(const caf::strong_actor_ptr& to, std::string why) {
  if (!to)
    return;
  actor_control order;
  order.crash = std::move(why);
  to->enqueue(caf::make_mailbox_element(
                  running_actor(),
                  caf::make_message_id(caf::message_priority::high), {},
                  std::move(order)),
              nullptr);
}

} // namespace peapod
