#include "actors/sharing.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

// -- passes -------------------------------------------------------------------

sharing_pass::sharing_pass(sharing_pass&& other) noexcept
  : gate_(std::move(other.gate_)),
    reserved_(other.reserved_),
    used_(other.used_) {}

sharing_pass& sharing_pass::operator=(sharing_pass&& other) noexcept {
  if (this != &other) {
    settle();
    gate_ = std::move(other.gate_);
    reserved_ = other.reserved_;
    used_ = other.used_;
  }
  return *this;
}

void sharing_pass::settle() noexcept {
  auto gate = std::exchange(gate_, nullptr);
  if (!gate)
    return;
  std::lock_guard guard{gate->mutex_};
  gate->machine().settle(reserved_, std::min(used_, reserved_));
}

// -- answers ------------------------------------------------------------------

wire2::fetch_failure sharing_answer::failure() const {
  using enum sharing_obstacle;
  if (!verdict.obstacle)
    return wire2::fetch_failure::not_now;
  if (is_lasting(*verdict.obstacle))
    return wire2::fetch_failure::policy_refused;
  return verdict.obstacle == day_quota || verdict.obstacle == month_quota
             ? wire2::fetch_failure::quota
             : wire2::fetch_failure::not_now;
}

std::string sharing_answer::text() const {
  if (!verdict.obstacle)
    return "allowed";
  std::string out{to_string(*verdict.obstacle)};
  return is_lasting(*verdict.obstacle) ? out : "not now: " + out;
}

// -- the gate -----------------------------------------------------------------

sharing_gate::sharing_gate(sharing_config config, quota_usage before,
                           calendar now)
  : policy_(std::move(config), before), now_(std::move(now)) {}

sharing_policy& sharing_gate::machine() const {
  if (now_)
    policy_.time_is(now_());
  return policy_;
}

sharing_answer sharing_gate::ask(const device_id& peer, const url& target,
                                 uint64_t bytes) {
  std::lock_guard guard{mutex_};
  sharing_answer out;
  out.verdict = machine().reserve(peer, target, bytes);
  if (out.verdict.allowed())
    out.pass = sharing_pass{shared_from_this(), bytes};
  return out;
}

bool sharing_gate::may_fetch(const url& target) const {
  std::lock_guard guard{mutex_};
  return policy_.may_fetch(target);
}

void sharing_gate::observe(const device_conditions& x) {
  std::lock_guard guard{mutex_};
  policy_.observe(x);
}

wire2::sharing sharing_gate::offers(const device_id& peer) const {
  std::lock_guard guard{mutex_};
  return machine().offers(peer);
}

sharing_state sharing_gate::state() const {
  std::lock_guard guard{mutex_};
  return machine().state();
}

} // namespace peapod
