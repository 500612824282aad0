#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <cstddef>
#include <utility>

namespace peapod::net {

/// Resumes actors on an io_context, so that they may touch its sockets. Actors
/// whose `subtype()` is `io_actor` run here, all others on CAF's workers. One
/// unit for each single-threaded io_context; it must outlive its actors.
class asio_unit : public caf::execution_unit {
public:
  /// `throughput`: messages an actor handles before it lets sockets have
  /// their turn.
  asio_unit(caf::actor_system& system, boost::asio::any_io_executor executor,
            size_t throughput = 100)
    : caf::execution_unit(&system),
      executor_(std::move(executor)),
      throughput_(throughput) {}

  /// Schedules `job`, whose reference count the caller has raised for us.
  /// Safe from any thread.
  void exec_later(caf::resumable* job) override {
    if (job->subtype() == caf::resumable::io_actor)
      boost::asio::post(executor_, turn{this, job});
    else
      system().scheduler().enqueue(job);
  }

  const boost::asio::any_io_executor& executor() const {
    return executor_;
  }

private:
  /// Owns the reference of a scheduled actor until the io_context runs it, or
  /// is destroyed without doing so.
  class turn {
  public:
    turn(asio_unit* unit, caf::resumable* job) : unit_(unit), job_(job) {}
    turn(turn&& other) noexcept
      : unit_(other.unit_), job_(std::exchange(other.job_, nullptr)) {}
    turn(const turn&) = delete;
    ~turn() {
      if (job_ != nullptr)
        caf::intrusive_ptr_release(job_);
    }
    void operator()() {
      unit_->resume(std::exchange(job_, nullptr));
    }

  private:
    asio_unit* unit_;
    caf::resumable* job_;
  };

  void resume(caf::resumable* job) {
    switch (job->resume(this, throughput_)) {
      case caf::resumable::resume_later:
        exec_later(job);
        break;
      case caf::resumable::shutdown_execution_unit:
        break;
      default:
        caf::intrusive_ptr_release(job);
    }
  }

  boost::asio::any_io_executor executor_;
  size_t throughput_;
};

} // namespace peapod::net
