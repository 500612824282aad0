#pragma once

#include "core/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// Where a receipt goes: `-` is standard output, a device or a pipe is written
/// into, and of files only those that nobody misses are replaced.
class receipt_file {
public:
  /// `path` may be empty: no receipt is wanted.
  explicit receipt_file(std::string path = {}) : path_(std::move(path)) {}

  /// With `force` it may replace any file but those that the run uses.
  void set_force(bool force) {
    force_ = force;
  }

  /// A file that the run reads or writes.
  void keep_off(std::filesystem::path file) {
    used_.push_back(std::move(file));
  }

  /// What a download writes: the file itself and what lies beside it.
  void keep_off_download(const std::filesystem::path& target);

  /// Standard output is for something else.
  void keep_off_stdout() {
    stdout_is_used_ = true;
  }

  bool is_wanted() const {
    return !path_.empty();
  }

  /// Whether it could be written now; touches nothing. Errors: `bad_config`
  /// when the run uses the file itself; `io_failed` when there is a file that
  /// is no receipt, or no such folder; `permission_denied`.
  result<void> check() const;

  /// Checks once more, and writes. Errors: as above.
  result<void> write(std::string_view text) const;

private:
  bool is_stdout() const;

  std::string path_;
  std::vector<std::filesystem::path> used_;
  bool force_ = false;
  bool stdout_is_used_ = false;
};

} // namespace peapod
