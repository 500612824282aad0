#pragma once

#include "actors/actor_record.hpp"
#include "actors/event_log.hpp"

#include <caf/error.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace peapod {

/// Whether an actor that ended so has failed.
bool is_failure(const caf::error& reason);

/// Why an actor ended, in words.
std::string reason_text(const caf::error& reason);

/// The live actors of one pod, what happens to them, and the crashes. Usable
/// from any thread. Nothing that the pod decides depends on it.
class directory {
public:
  /// Told of each crash, from any thread.
  using crash_listener = std::function<void(const crash_report&)>;

  explicit directory(crash_listener on_crash = nullptr)
    : on_crash_(std::move(on_crash)) {}

  // -- by actors --------------------------------------------------------------

  /// An actor has come into being.
  record_ptr add(const caf::strong_actor_ptr& actor, std::string name,
                 bool on_io);

  /// Its supervisor has started it.
  void adopt(actor_number id, upbringing x);

  /// An actor has failed and is about to end.
  void crashed(actor_record& who, std::string reason, self_description state);

  /// An actor has ended.
  void remove(const record_ptr& who, const caf::error& reason);

  // -- by those who look ------------------------------------------------------

  std::vector<record_ptr> records() const;
  record_ptr find(actor_number id) const;

  /// Whether an actor had this number and has ended.
  bool is_gone(actor_number id) const;

  /// Whether actors live whose supervisor had this number.
  bool has_children(actor_number id) const;

  /// The name of an actor that lives or has ended lately; `io` for 0.
  std::string name_of(actor_number id) const;

  std::vector<crash_report> crashes() const;
  uint64_t crash_count() const;

  /// How often actors of each name were restarted; these never fall.
  std::map<std::string, uint64_t> restarts() const;

  event_log& events() {
    return events_;
  }

  /// Publishes an event about an actor.
  void publish(event_kind kind, const actor_record& who, std::string text);

  /// Brings all rates up to date; called about twice a second.
  void sample();

private:
  /// The name of one of `gone_`, or null.
  const std::string* name_of_gone(actor_number id) const;

  static constexpr size_t max_crashes = 64;
  static constexpr size_t max_gone = 4096;

  crash_listener on_crash_;
  event_log events_;

  mutable std::mutex mutex_;
  std::map<actor_number, record_ptr> live_;
  /// Those that have ended lately, with their names.
  std::deque<std::pair<actor_number, std::string>> gone_;
  std::deque<crash_report> crashes_;
  uint64_t crash_count_ = 0;
  std::map<std::string, uint64_t> restarts_;
};

using directory_ptr = std::shared_ptr<directory>;

} // namespace peapod
