#pragma once

#include "actors/environment.hpp"
#include "core/integrity.hpp"
#include "hosts/get/get_messages.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace peapod {

/// What a hash has to be, and who says so.
struct expected_digest {
  origin_digest value;
  std::string said_by; ///< as in `--checksum`
};

/// All that a writer begins with.
struct file_writer_start {
  std::shared_ptr<part_file> file;
  uint64_t offset = 0; ///< bytes that are there already
  /// Kept beside the file; without one it cannot be continued later.
  std::optional<sidecar> beside;
  std::optional<uint64_t> size; ///< that the file will have, if known
  std::vector<expected_digest> expected;
  bool force = false; ///< replace a file of that name
  download_actor download;
};

/// A file, how much of it is there, and its hashes so far.
struct file_writer_state {
  using self_pointer = file_writer_actor::stateful_pointer<file_writer_state>;

  struct check {
    digest_check hash;
    std::string said_by;
  };

  const char* name = "file_writer";
  std::optional<file_writer_start> start;
  sha256_hasher hash;
  std::vector<check> checks;
  uint64_t at = 0;    ///< offset of the next byte
  uint64_t saved = 0; ///< offset that the sidecar says
  instant saved_at{};
  std::optional<error> broken; ///< nothing more can be written
};

/// Writes one file in order, hashes it, and gives it its name when it is what
/// it should be. Waits for the disk, so it runs on the workers.
file_writer_actor::behavior_type
file_writer_behavior(file_writer_state::self_pointer self,
                     file_writer_start start);

} // namespace peapod
