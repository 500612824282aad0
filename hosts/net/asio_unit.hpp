#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/intrusive_ptr.hpp>
#include <caf/logger.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <cstddef>
#include <deque>
#include <utility>

namespace peapod::net {

/// Resumes actors on an io_context, so that they may touch its sockets. Actors
/// whose `subtype()` is `io_actor` run here, all others on CAF's workers. One
/// unit for each single-threaded io_context; it must outlive its actors.
class asio_unit : public caf::execution_unit {
public:
  using executor_type = boost::asio::io_context::executor_type;

  /// `throughput`: messages an actor handles before it lets sockets have
  /// their turn.
  asio_unit(caf::actor_system& system, const executor_type& executor,
            size_t throughput = 100)
    : caf::execution_unit(&system),
      executor_(executor),
      throughput_(throughput) {}

  /// Schedules `job`, whose reference count the caller has raised for us.
  /// Safe from any thread.
  void exec_later(caf::resumable* job) override {
    if (job->subtype() != caf::resumable::io_actor)
      return system().scheduler().enqueue(job);
    job_ptr held{job, false};
    if (executor_.running_in_this_thread())
      add_ready(std::move(held));
    else
      boost::asio::post(executor_, [this, held = std::move(held)]() mutable {
        resume(std::move(held));
      });
  }

private:
  /// Keeps a scheduled actor until the io_context runs it, or is destroyed
  /// without doing so.
  using job_ptr = caf::intrusive_ptr<caf::resumable>;

  /// Actors that are resumed in a row before sockets have their turn.
  static constexpr size_t max_in_a_row = 16;

  /// Most messages come from this thread, and many make their receiver write
  /// another one: all of them need one turn of the event loop.
  void add_ready(job_ptr job) {
    ready_.push_back(std::move(job));
    if (!std::exchange(awaits_turn_, true))
      post_turn();
  }

  void post_turn() {
    boost::asio::post(executor_, [this] { resume_ready(); });
  }

  void resume_ready() {
    rest_later scope{*this};
    for (size_t n = 0; n < max_in_a_row && !ready_.empty(); ++n) {
      auto job = std::move(ready_.front());
      ready_.pop_front();
      resume(std::move(job));
    }
  }

  /// Sees to those that are left, also when one of them has thrown.
  struct rest_later {
    explicit rest_later(asio_unit& unit) : unit(unit) {}
    rest_later(const rest_later&) = delete;
    ~rest_later() {
      unit.awaits_turn_ = !unit.ready_.empty();
      if (unit.awaits_turn_)
        unit.post_turn();
    }
    asio_unit& unit;
  };

  void resume(job_ptr job) {
    // Spawning sets CAF's own logger, which says nothing here, and which all
    // that an actor does would look up who acts for.
    caf::logger::set_current_actor_system(nullptr);
    switch (job->resume(this, throughput_)) {
      case caf::resumable::resume_later:
        exec_later(job.release());
        break;
      case caf::resumable::shutdown_execution_unit:
        job.release();
        break;
      default:
        break;
    }
  }

  executor_type executor_;
  size_t throughput_;
  std::deque<job_ptr> ready_; // of the io_context's thread only
  bool awaits_turn_ = false;  // of those
};

} // namespace peapod::net
