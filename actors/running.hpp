#pragma once

#include "core/error.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/mailbox_element.hpp>

#include <exception>
#include <optional>
#include <string>
#include <utility>

/// Who speaks, and how actors are told something.
namespace peapod {

class actor_record;

/// While it lives, what this thread sends comes from one actor. The only state
/// outside of objects: it says what runs on this thread now, nothing more.
class running_scope {
public:
  running_scope(caf::actor_control_block* actor, actor_record* record);
  running_scope(const running_scope&) = delete;
  ~running_scope();

private:
  caf::actor_control_block* actor_;
  actor_record* record_;
};

/// The actor that runs on this thread; null outside of actors.
caf::strong_actor_ptr running_actor();

/// Its record; null outside of actors.
actor_record* running_record();

/// Sends `x` to the actor behind `to`, whatever its type; nothing happens when
/// there is none.
template <class T>
void tell(const caf::strong_actor_ptr& to, T x) {
  if (to)
    to->enqueue(caf::make_mailbox_element(
                    running_actor(), caf::make_message_id(), {}, std::move(x)),
                nullptr);
}

/// The same for typed handles.
template <class Handle, class T>
void tell(const Handle& to, T x) {
  tell(caf::actor_cast<caf::strong_actor_ptr>(to), std::move(x));
}

/// Makes the actor behind `to` crash with these words: something that worked
/// for it has failed in a way that no code expects.
void tell_crash(const caf::strong_actor_ptr& to, std::string why);

/// What a bug of ours has to say, if that is what ended an operation.
template <class T>
std::optional<std::string> bug_in(const T&) {
  return std::nullopt;
}

template <class T>
std::optional<std::string> bug_in(const result<T>& x) {
  if (x || x.error().code != errc::internal)
    return std::nullopt;
  return x.error().detail;
}

/// A callback that passes its argument to `self` as a message made by
/// `make(argument)`, unless `self` is gone. Does not keep `self` alive. A bug
/// in what calls it back, or here, crashes the actor that waits, not the
/// thread.
template <class Self, class Make>
auto send_back(Self* self, Make make) {
  return [addr = self->address(), make = std::move(make)](auto&&... xs) {
    auto to = caf::actor_cast<caf::strong_actor_ptr>(addr);
    if (!to)
      return;
    std::optional<std::string> bug;
    ((bug = bug ? bug : bug_in(xs)), ...);
    if (bug)
      return tell_crash(to, *bug);
    try {
      tell(to, make(std::forward<decltype(xs)>(xs)...));
    } catch (const std::exception& e) {
      tell_crash(to, e.what());
    }
  };
}

} // namespace peapod
