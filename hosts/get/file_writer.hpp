#pragma once

#include "actors/environment.hpp"
#include "core/interval_set.hpp"
#include "hosts/get/get_messages.hpp"
#include "hosts/get/whole_check.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace peapod {

/// All that a writer begins with.
struct file_writer_start {
  std::shared_ptr<part_file> file;
  uint64_t offset = 0; ///< bytes that are there already
  /// Kept beside the file; without one it cannot be continued later. Its
  /// ranges behind `offset` are there, too.
  std::optional<sidecar> beside;
  std::optional<uint64_t> size; ///< that the file will have, if known
  std::vector<expected_digest> expected;
  bool force = false; ///< replace a file of that name
  download_actor download;
};

/// A file, how much of it is there, and its hashes so far.
struct file_writer_state {
  using self_pointer = file_writer_actor::stateful_pointer<file_writer_state>;

  const char* name = "file_writer";
  std::optional<file_writer_start> start;
  whole_check check;
  uint64_t at = 0;      ///< offset of the next byte
  interval_set ahead;   ///< what is there behind it
  interval_set earlier; ///< of that, what an earlier run has brought
  uint64_t written = 0; ///< bytes, in order or not
  uint64_t saved = 0;   ///< of them, that the sidecar tells of
  instant saved_at{};
  bool is_told = false;        ///< a sidecar tells of some of it
  std::optional<error> broken; ///< nothing more can be written
};

/// Writes one file, hashes it in order, and gives it its name when it is what
/// it should be. Waits for the disk, so it runs on the workers.
file_writer_actor::behavior_type
file_writer_behavior(file_writer_state::self_pointer self,
                     file_writer_start start);

} // namespace peapod
