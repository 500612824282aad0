#pragma once

#include "core/error.hpp"
#include "core/types.hpp"
#include "hosts/get/sidecar.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <span>

namespace peapod {

/// The three names of one download.
struct file_names {
  std::filesystem::path target;
  std::filesystem::path part;    ///< `target.part`: what has come so far
  std::filesystem::path sidecar; ///< `target.peapod`: what that is

  static file_names of(const std::filesystem::path& target);
};

/// What `look_at` found.
struct file_plan {
  std::optional<sidecar> begun; ///< an earlier run's, which can be continued
};

/// Looks at what is there before a byte is asked for. With `force` a complete
/// file may be replaced, with `restart` what was begun is of no interest.
/// Errors: `io_failed` or `permission_denied` when there is a file that would
/// be overwritten or is not ours, or when the sidecar is damaged; `mismatch`
/// when it belongs to something other than `from` and its `mirrors`.
result<file_plan> look_at(const file_names& names, const std::string& from,
                          bool force, bool restart,
                          const std::vector<std::string>& mirrors = {});

/// The file that is being written. All errors name it: `io_failed`,
/// `permission_denied`.
class part_file {
public:
  /// An empty one, instead of what was begun earlier. `room`: bytes that it
  /// will have, if known; the disk must have them.
  static result<part_file> create(file_names names,
                                  std::optional<uint64_t> room);

  /// The one of an earlier run.
  static result<part_file> resume(file_names names, const sidecar& begun);

  part_file(part_file&& other) noexcept;
  part_file& operator=(part_file&&) = delete;
  ~part_file();

  result<void> write(uint64_t offset, std::span<const uint8_t> bytes);

  /// Reads these bytes in pieces.
  result<void> read(byte_range range,
                    const std::function<void(std::span<const uint8_t>)>& to);

  /// Makes sure that the disk has all bytes, then says so in the sidecar.
  result<void> save(const sidecar& now);

  /// The file is complete: gives it its name. Without `force` nothing is
  /// overwritten that has come meanwhile.
  result<void> publish(bool force);

  /// The file is wrong: keeps it under another name, which is returned.
  result<std::filesystem::path> set_aside();

  /// Removes it: it could not be continued.
  void remove();

  const file_names& names() const {
    return names_;
  }

private:
  part_file(file_names names, int fd) : names_(std::move(names)), fd_(fd) {}

  result<void> lock();
  std::filesystem::path new_sidecar() const;
  void forget_sidecar();

  file_names names_;
  int fd_;
};

} // namespace peapod
