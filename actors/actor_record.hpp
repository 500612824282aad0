#pragma once

#include "actors/faults.hpp"
#include "actors/feed.hpp"
#include "actors/observation.hpp"

#include <caf/actor_control_block.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <typeinfo>
#include <vector>

namespace peapod {

/// What an actor tells of itself when it is asked.
struct self_description {
  std::string about;
  std::string summary;
  std::optional<std::string> data; ///< its state as JSON
};

/// What its supervisor knows of an actor.
struct upbringing {
  std::string name;
  std::optional<actor_number> parent;
  restart_type restart = restart_type::permanent;
  std::optional<restart_strategy> strategy; ///< of a supervisor
  unsigned restarts = 0;
};

/// What one actor leaves to be seen. It outlives the actor for as long as
/// somebody looks. Unless it says otherwise, a member is usable from any
/// thread.
class actor_record {
public:
  using steady_time = std::chrono::steady_clock::time_point;

  /// Tells the name of the actor with a number.
  using name_source = std::function<std::string(actor_number)>;

  actor_record(const caf::strong_actor_ptr& handle, std::string name,
               bool on_io, name_source name_of);

  const actor_number id;
  const bool on_io;
  const caf::weak_actor_ptr handle;

  // -- by the actor, on the thread that runs it -------------------------------

  /// A message begins to be handled.
  void begin(actor_number from, const std::type_info* type, uint64_t size);

  /// Its handler has returned, or thrown.
  void finish(bool threw);

  /// The last messages, oldest first.
  std::vector<message_record> recent() const;

  /// Counts a message; how it is to be disturbed.
  fault next_fault();

  // -- by everybody -----------------------------------------------------------

  /// A message has come into the mailbox.
  void count_enqueued();

  void set_upbringing(upbringing x);
  void set_description(std::string about, std::string summary);
  void set_fault(const fault& x);
  void add_link(actor_number other);
  void remove_link(actor_number other);

  /// Follows the messages as they are handled.
  feed_ptr<message_record> trace();

  /// Ends all traces.
  void end_traces();

  /// The figures, with the last known description.
  actor_row row() const;
  std::string name() const;
  std::string about() const;
  std::optional<actor_number> parent() const;
  std::string fault_text() const;

  /// For how long the actor has been in the handler it is in; zero when it is
  /// in none.
  duration in_handler() const;

  /// The message that it handles now, or `nothing`.
  std::string handling() const;

  /// Brings the rates up to date; called about twice a second.
  void sample(steady_time now);

private:
  static constexpr size_t max_recent = 16;

  struct handled_message {
    steady_time at;
    actor_number from = 0;
    const std::type_info* type = nullptr;
    uint64_t size = 0;
    duration took{};
  };

  message_record record_of(const handled_message& x) const;
  void show(const handled_message& x);
  uint64_t waiting() const;

  name_source name_of_;
  steady_time born_ = std::chrono::steady_clock::now();
  wall_time born_at_ = std::chrono::system_clock::now();

  std::atomic<uint64_t> enqueued_{0};
  std::atomic<uint64_t> handled_{0};
  std::atomic<uint64_t> peak_{0};
  std::atomic<int64_t> busy_{0};    ///< nanoseconds
  std::atomic<int64_t> longest_{0}; ///< nanoseconds
  std::atomic<int64_t> since_{0};   ///< start of the handler it is in, or 0
  std::atomic<const std::type_info*> type_{nullptr}; ///< what it handles
  std::atomic<bool> traced_{false};
  std::atomic<bool> disturbed_{false};

  // Of the actor's thread only.
  std::vector<handled_message> recent_; // grows to `max_recent`: many actors
                                        // handle a few messages in their life
  uint64_t next_recent_ = 0;

  mutable std::mutex mutex_;
  upbringing upbringing_;
  std::string about_;
  std::string summary_;
  std::set<actor_number> links_;
  fault_plan faults_;
  std::vector<std::weak_ptr<feed<message_record>>> traces_;

  // Of the last sample.
  steady_time sampled_ = born_;
  uint64_t sampled_handled_ = 0;
  int64_t sampled_busy_ = 0;
  double rate_ = 0;
  double load_ = 0;
};

using record_ptr = std::shared_ptr<actor_record>;

} // namespace peapod
