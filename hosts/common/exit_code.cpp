#include "hosts/common/exit_code.hpp"

#include <array>

namespace peapod {

std::span<const exit_meaning> exit_meanings() {
  static constexpr std::array<exit_meaning, 4> all{{
      {exit_ok, "The command did what it was asked to. Doctor found no "
                "problem. The daemon was ended by a signal, in order."},
      {exit_failure,
       "Something failed while running, as standard error says: no daemon "
       "answers, a file cannot be written, a port is taken, a request was "
       "refused. Doctor found a problem."},
      {exit_usage,
       "The arguments or the configuration are wrong; nothing was done."},
      {exit_gave_up,
       "The daemon gave up: its supervisors had too much to restart, or a "
       "handler hung. Whoever supervises it, such as systemd, starts it anew."},
  }};
  return all;
}

} // namespace peapod
