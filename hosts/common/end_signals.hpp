#pragma once

#include <boost/asio/signal_set.hpp>

#include <csignal>

namespace peapod {

/// As `nohup` makes it.
inline bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

/// Adds the signals that end a program in good order; a terminal that closes
/// sends SIGHUP.
inline void add_end_signals(boost::asio::signal_set& to) {
  to.add(SIGINT);
  to.add(SIGTERM);
  if (!is_ignored(SIGHUP))
    to.add(SIGHUP);
}

} // namespace peapod
