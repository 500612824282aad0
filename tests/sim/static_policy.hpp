#pragma once

#include "core/scheduler.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace peapod::sim {

/// The reference policies: who brings which chunk is settled when the body
/// begins (`core/assignment.hpp`), and changes only when a device goes.
enum class fixed_plan { single, round_robin, weighted };

/// Decides by such a plan, with the events and actions of the scheduler. A
/// device has two chunks at a time; what fails goes to the next device.
class static_policy {
public:
  explicit static_policy(fixed_plan plan, uint64_t chunk_size = 256_KiB)
    : plan_(plan), chunk_size_(chunk_size) {}

  /// What `weighted` believes of a device, in bytes a second.
  void expect(device_id source, double rate) {
    weights_[source] = static_cast<uint64_t>(rate);
  }

  void source_joined(device_id source, source_traits traits, instant now);
  void source_left(device_id source, instant now);
  void transfer_opened(transfer_id transfer, const std::string&,
                       byte_range body, instant now, duration way);
  void progressed(transfer_id, uint64_t spine, uint64_t taken, instant now);
  void spine_ended(transfer_id transfer, uint64_t spine, instant now);
  void transfer_closed(transfer_id transfer, instant now);
  void lease_progressed(lease_id lease, uint64_t upto, instant now);
  void lease_done(lease_id lease, instant now);
  void lease_failed(lease_id lease, chunk_failure why, uint64_t upto,
                    instant now, std::optional<duration> retry_after);
  void source_lied(device_id, transfer_id, const std::vector<byte_range>&,
                   instant) {}
  void expire(instant now);
  std::optional<scheduler::action> poll();

private:
  struct work {
    transfer_id transfer;
    byte_range range;
  };
  struct worker {
    std::deque<work> waiting;
    std::map<lease_id, work> active;
  };

  void plan(const transfer_id& transfer, byte_range rest);
  void pass_on(device_id from);
  void serve();

  fixed_plan plan_;
  uint64_t chunk_size_;
  std::map<device_id, uint64_t> weights_;
  std::vector<device_id> order_; ///< our own device first
  std::map<device_id, worker> workers_;
  lease_id next_ = 1;
  std::deque<scheduler::action> actions_;
};

} // namespace peapod::sim
