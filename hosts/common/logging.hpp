#pragma once

#include "core/error.hpp"
#include "hosts/common/config.hpp"

#include <filesystem>
#include <string_view>

/// The process's log. Thread-safe. What is written where: a peer's datagrams
/// and chunks trace, refused requests and early ends debug, peers that come and
/// go info, what the user should look at warn, what ends the daemon error.
namespace peapod::log {

/// Opens the log: `file`, rotated at 10 MiB with three old files kept, or
/// standard error when it is empty, for systemd's journal with priorities and
/// without the time where it leads there. Until then only errors are written,
/// to standard error. Error: `io_failed` when the file cannot be written.
result<void> start(severity level, const std::filesystem::path& file);

/// Whether a message of `level` would be written; to save making one up.
bool enabled(severity level);

/// Writes one line; control characters in `message` are replaced by `?`.
void write(severity level, std::string_view message);

/// Hands everything written so far to the operating system.
void flush();

inline void trace(std::string_view message) {
  write(severity::trace, message);
}
inline void debug(std::string_view message) {
  write(severity::debug, message);
}
inline void info(std::string_view message) {
  write(severity::info, message);
}
inline void warn(std::string_view message) {
  write(severity::warn, message);
}
inline void error(std::string_view message) {
  write(severity::error, message);
}

} // namespace peapod::log
