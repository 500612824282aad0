#pragma once

#include "actors/environment.hpp"
#include "hosts/get/get_messages.hpp"
#include "hosts/get/whole_check.hpp"

#include <atomic>
#include <memory>

namespace peapod {

/// All that a writer to standard output begins with.
struct stdout_writer_start {
  std::optional<uint64_t> size; ///< that there will be, if known
  std::vector<expected_digest> expected;
  download_actor download;
  /// Set when nobody waits for what is left: the reader may have stopped, and
  /// nobody could interrupt a write.
  std::shared_ptr<const std::atomic<bool>> stop;
};

/// What has been passed on so far.
struct stdout_writer_state {
  using self_pointer = file_writer_actor::stateful_pointer<stdout_writer_state>;

  const char* name = "stdout_writer";
  std::optional<stdout_writer_start> start;
  whole_check check;
  std::optional<error> broken; ///< nobody takes it any more
};

/// Passes a file on in order while it comes, and says at the end whether it was
/// what it should be: whoever reads it has it by then. Waits for the reader, so
/// it runs on the workers.
file_writer_actor::behavior_type
stdout_writer_behavior(stdout_writer_state::self_pointer self,
                       stdout_writer_start start);

} // namespace peapod
