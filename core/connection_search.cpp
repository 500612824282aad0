#include "core/connection_search.hpp"

#include <algorithm>
#include <chrono>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How long a source must have been full before its rate says anything.
constexpr duration trial_time = 1500ms;

/// How long a try that has not paid is not repeated.
constexpr duration rest_time = 30s;

/// The share of what the requests could have gained if each brought as much as
/// those before.
constexpr double worthwhile = 0.5;

} // namespace

void connection_search::observe(rates seen, size_t usual, size_t most,
                                bool full, instant now) {
  if (!full) {
    full_since_ = {};
    if (trying_)
      forget_try(now);
    return;
  }
  if (full_since_ == instant{})
    full_since_ = now;
  if (now - full_since_ < trial_time)
    return;
  if (trying_)
    judge(seen, usual, now);
  else
    look(seen, usual, most, now);
}

void connection_search::look(rates seen, size_t usual, size_t most,
                             instant now) {
  auto room = most > usual ? most - usual : 0;
  auto wanted = std::min(2 * extra_ + 1, room);
  if (now < next_ || wanted <= extra_)
    return;
  before_ = extra_;
  seen_before_ = seen;
  extra_ = wanted;
  trying_ = true;
  full_since_ = now;
}

void connection_search::judge(rates seen, size_t usual, instant now) {
  trying_ = false;
  auto possible = static_cast<double>(usual + extra_)
                  / static_cast<double>(usual + before_);
  auto gain = seen.own - seen_before_.own;
  if (gain >= seen_before_.own * worthwhile * (possible - 1)
      && seen.all - seen_before_.all >= worthwhile * gain)
    return;
  forget_try(now);
}

void connection_search::forget_try(instant now) {
  trying_ = false;
  extra_ = before_;
  next_ = now + rest_time;
}

} // namespace peapod
