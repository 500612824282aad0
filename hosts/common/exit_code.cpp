#include "hosts/common/exit_code.hpp"

#include <array>

namespace peapod {

std::span<const exit_meaning> exit_meanings() {
  static constexpr std::array<exit_meaning, 11> all{{
      {exit_ok, "The command did what it was asked to. Doctor found no "
                "problem. The daemon was ended by a signal, in order."},
      {exit_failure,
       "Something failed while running, as standard error says: no daemon "
       "answers, a file cannot be written, a port is taken, a request was "
       "refused. Doctor found a problem."},
      {exit_usage,
       "The arguments or the configuration are wrong; nothing was done."},
      {exit_network, "Get and put: no such name, no connection, or it broke "
                     "too often."},
      {exit_tls, "Get and put: the server could not prove who it is."},
      {exit_http, "Get and put: the server answered with an error."},
      {exit_file, "Get and put: the disk is full, the file exists already, or "
                  "may not be written."},
      {exit_checksum, "Get and put: the bytes do not have the hash that they "
                      "should have."},
      {exit_changed, "Get and put: what was begun is no longer what the "
                     "server has."},
      {exit_gave_up,
       "The daemon gave up: its supervisors had too much to restart, or a "
       "handler hung. Whoever supervises it, such as systemd, starts it anew."},
      {exit_interrupted, "Get and put: ended by Ctrl-C; what is there is taken "
                         "up by the next run."},
  }};
  return all;
}

} // namespace peapod
