#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Small files in the state folder that a crash or a power cut leaves either
/// as they were or as they should be, never half written.
namespace peapod {

/// The text of a file; nothing when there is none. Errors: `io_failed`,
/// `permission_denied`, each with the file's name.
result<std::optional<std::string>>
read_state_file(const std::filesystem::path& file);

/// Replaces a file in one step; makes its folder (mode 0700) if need be. The
/// file is for its owner only, which is that of the folder when root writes it.
/// When this returns, it is on the disk.
result<void> write_state_file(const std::filesystem::path& file,
                              std::string_view text);

/// Replaces what `file` holds in one step and keeps its mode; a symbolic link
/// stays one. For files that are not ours alone.
result<void> replace_file(const std::filesystem::path& file,
                          std::string_view text);

/// Removes a file, if there is one.
result<void> remove_state_file(const std::filesystem::path& file);

/// Removes what processes that were killed have left half written in a folder
/// (`NAME.new.PID`), of the file called `name` alone unless that is empty. What
/// is not removed stays: it does no harm but to lie about.
void remove_orphans(const std::filesystem::path& folder,
                    std::string_view name = {});

/// Holds a file locked against other processes, until its end. The file says
/// which process holds it.
class file_lock {
public:
  /// Waits until nobody else holds it; makes the file if need be. Errors:
  /// `timed_out` with who holds it after so much `patience`, `io_failed`,
  /// `permission_denied`.
  static result<file_lock> take(const std::filesystem::path& file,
                                duration patience = std::chrono::seconds(10));

  file_lock(file_lock&& other) noexcept;
  file_lock& operator=(file_lock&&) = delete;
  ~file_lock();

private:
  explicit file_lock(int fd) : fd_(fd) {}

  int fd_;
};

} // namespace peapod
