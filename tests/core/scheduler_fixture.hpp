#pragma once

#include "tests/sim/pool.hpp"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

/// What the scheduler's suites ask of a simulated pod.
namespace peapod::sim {

/// Whether a picture shows nobody but `names`.
inline bool shows_only(const std::string& picture, const std::string& names) {
  return picture.find_first_not_of(names + ".") == std::string::npos;
}

inline size_t count(const std::string& picture, char name) {
  return static_cast<size_t>(std::count(picture.begin(), picture.end(), name));
}

template <class T>
inline size_t count_actions(const pool& x) {
  return static_cast<size_t>(
      std::count_if(x.history.begin(), x.history.end(),
                    [](auto& a) { return std::holds_alternative<T>(a); }));
}

inline std::vector<scheduler::grant> grants_of(const pool& x, char name) {
  std::vector<scheduler::grant> out;
  for (auto& action : x.history)
    if (auto y = std::get_if<scheduler::grant>(&action))
      if (y->source == device(name))
        out.push_back(*y);
  return out;
}

/// The body has come to its client, and every byte is right.
inline bool is_exact(const pool& x, size_t index = 0) {
  auto& b = x.bodies[index];
  return !b.open && b.failed.empty() && b.exact
         && b.received == b.core.body().end;
}

/// And none was leased twice, nor anything out of bounds.
inline bool complete(const pool& x, size_t index = 0) {
  return is_exact(x, index) && x.bodies[index].granted_twice == 0
         && x.beyond_body == 0 && x.beyond_window == 0;
}

} // namespace peapod::sim
