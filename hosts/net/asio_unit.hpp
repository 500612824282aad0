#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <thread>
#include <utility>

namespace peapod::net {

/// Resumes actors on an io_context, so that they may touch its sockets. Actors
/// whose `subtype()` is `io_actor` run here, all others on CAF's workers. One
/// unit for each single-threaded io_context; it must outlive its actors.
class asio_unit : public caf::execution_unit {
public:
  /// `throughput`: messages an actor handles before it lets others, and
  /// sockets, have their turn.
  asio_unit(caf::actor_system& system, boost::asio::any_io_executor executor,
            size_t throughput = 100)
    : caf::execution_unit(&system),
      executor_(std::move(executor)),
      throughput_(throughput) {}

  /// Schedules `job`, whose reference count the caller has raised for us.
  /// Safe from any thread.
  void exec_later(caf::resumable* job) override {
    if (job->subtype() != caf::resumable::io_actor)
      system().scheduler().enqueue(job);
    else if (busy_.load(std::memory_order_relaxed)
             == std::this_thread::get_id())
      woken_.emplace_back(job);
    else
      boost::asio::post(executor_, turn{this, reference{job}});
  }

  const boost::asio::any_io_executor& executor() const {
    return executor_;
  }

private:
  /// Turns of actors that wake each other before sockets have theirs.
  static constexpr size_t max_turns = 32;

  /// Owns the reference of a scheduled actor until that runs, or never will.
  class reference {
  public:
    explicit reference(caf::resumable* job) : job_(job) {}
    reference(reference&& other) noexcept
      : job_(std::exchange(other.job_, nullptr)) {}
    reference(const reference&) = delete;
    ~reference() {
      if (job_ != nullptr)
        caf::intrusive_ptr_release(job_);
    }
    caf::resumable* release() {
      return std::exchange(job_, nullptr);
    }

  private:
    caf::resumable* job_;
  };

  struct turn {
    asio_unit* unit;
    reference job;
    void operator()() {
      unit->run(std::move(job));
    }
  };

  /// Resumes an actor, and those that it wakes: without a look at the sockets
  /// after each of them.
  void run(reference first) {
    busy_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    resume(first.release());
    for (size_t turns = 1; !woken_.empty() && turns < max_turns; ++turns) {
      auto next = std::move(woken_.front());
      woken_.pop_front();
      resume(next.release());
    }
    busy_.store({}, std::memory_order_relaxed);
    for (auto& rest : std::exchange(woken_, {}))
      boost::asio::post(executor_, turn{this, std::move(rest)});
  }

  void resume(caf::resumable* job) {
    switch (job->resume(this, throughput_)) {
      case caf::resumable::resume_later:
        boost::asio::post(executor_, turn{this, reference{job}});
        break;
      case caf::resumable::shutdown_execution_unit:
        break;
      default:
        caf::intrusive_ptr_release(job);
    }
  }

  boost::asio::any_io_executor executor_;
  size_t throughput_;
  std::atomic<std::thread::id> busy_{}; ///< the thread while actors run here
  std::deque<reference> woken_; ///< by actors that run; of that thread alone
};

} // namespace peapod::net
