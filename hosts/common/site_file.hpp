#pragma once

#include "actors/environment.hpp"
#include "core/site_memory.hpp"

#include <chrono>
#include <filesystem>

namespace peapod {

/// Which lines sites use, in `sites.json` of the state folder, so that a
/// restart moves no site to another address. It holds hashes of sites, not
/// their names.
class site_file {
public:
  using wall_clock = std::chrono::system_clock;

  /// Without a folder nothing is kept.
  site_file(const std::filesystem::path& state_dir, random_source random,
            log_sink log);

  /// What the last run has left; else nothing but a new salt. `now` and `today`
  /// are the same moment for the actors and for people. A file that cannot be
  /// read, which the log is told, counts as none.
  site_memory load(instant now, wall_clock::time_point today);

  /// Writes `x` unless that is what was written last. Waits for the disk. The
  /// log is told when it fails for the first time in a row.
  void save(const site_memory& x, instant now, wall_clock::time_point today);

private:
  std::filesystem::path file_;
  random_source random_;
  log_sink log_;
  site_memory written_;
  bool failing_ = false;
};

} // namespace peapod
