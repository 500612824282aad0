#pragma once

#include "actors/directory.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace peapod {

/// Notices handlers that do not return: nothing in a process can interrupt
/// them, so people are told, and past `limit` whoever runs the process. It
/// counts its own turns, not the clock: a process that was stopped for an hour
/// does not hang. It also keeps the actors' rates up to date.
class watchdog {
public:
  /// Told once, on the watchdog's thread, what hangs.
  using alarm = std::function<void(std::string)>;

  /// Watches the actors in `live` and the thread that runs `io`. `warn` is told
  /// of an actor that has been in one handler for 5 s; `bark` of anything that
  /// has for `limit`, 1 s at least.
  watchdog(directory_ptr live, boost::asio::any_io_executor io, duration limit,
           alarm warn, alarm bark);
  watchdog(const watchdog&) = delete;
  ~watchdog();

private:
  /// An actor that was seen in a handler.
  struct sighting {
    uint64_t handled = 0; ///< tells handlers apart
    unsigned turns = 0;   ///< for how many turns it has been this handler
    bool seen = false;    ///< in this turn
  };

  void run();
  void turn();
  void look_at(const actor_record& who);
  void look_at_io();
  void bark(const std::string& what);

  directory_ptr live_;
  boost::asio::any_io_executor io_;
  unsigned limit_; ///< turns
  alarm warn_;
  alarm bark_;
  std::map<actor_number, sighting> busy_;
  std::shared_ptr<std::atomic<bool>> io_answered_;
  unsigned io_silent_ = 0; ///< turns
  bool barked_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace peapod
