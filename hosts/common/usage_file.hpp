#pragma once

#include "actors/environment.hpp"
#include "core/share_quota.hpp"

#include <filesystem>

namespace peapod {

/// What was given away, in `usage.json` of the state folder, so that a restart
/// gives nothing anew.
class usage_file {
public:
  /// Without a folder nothing is kept.
  usage_file(const std::filesystem::path& state_dir, log_sink log);

  /// What the last run has left. A file that cannot be read, which the log is
  /// told, counts as none.
  quota_usage load();

  /// Writes `x` unless that is what was written last. Waits for the disk. The
  /// log is told when it fails for the first time in a row.
  void save(const quota_usage& x);

private:
  std::filesystem::path file_;
  log_sink log_;
  quota_usage written_;
  bool failing_ = false;
};

} // namespace peapod
