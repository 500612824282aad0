#pragma once

#include "actors/ports.hpp"
#include "hosts/get/upload_protocol.hpp"

#include <filesystem>
#include <memory>
#include <optional>

namespace peapod {

/// A file that is uploaded, open.
class input_file {
public:
  /// Errors: `io_failed` or `permission_denied` with the file's name.
  static result<std::shared_ptr<input_file>>
  open(const std::filesystem::path& path);

  ~input_file();
  input_file(const input_file&) = delete;
  input_file& operator=(const input_file&) = delete;

  uint64_t size() const {
    return size_;
  }

  /// Exactly these bytes. Errors: `io_failed`, also when the file has become
  /// shorter.
  result<slice> read(byte_range range) const;

  /// SHA-256 of these bytes; of fewer when they cannot be read, so that the
  /// server refuses them.
  digest hash(byte_range range) const;

  /// Whether nobody has written to it since it was opened.
  bool is_unchanged() const;

private:
  input_file(std::filesystem::path path, int fd)
    : path_(std::move(path)), fd_(fd) {}

  std::filesystem::path path_;
  int fd_;
  uint64_t size_ = 0;
  int64_t changed_ = 0; ///< nanoseconds since 1970
};

/// One request with its body, until its whole answer is here. Lives on the
/// thread of its client.
class sending : public std::enable_shared_from_this<sending> {
public:
  /// `done` is called once, never from in here; with `cancelled` after a
  /// `cancel`. Answers that come before the whole body has gone end it.
  static std::shared_ptr<sending> start(http_client& client,
                                        upload_request what,
                                        std::shared_ptr<const input_file> file,
                                        bool fresh,
                                        handler<upload_answer> done);

  /// Bytes of the body that have gone to the kernel.
  uint64_t sent() const {
    return sent_;
  }

  void cancel();

private:
  sending(upload_request what, std::shared_ptr<const input_file> file,
          handler<upload_answer> done)
    : what_(std::move(what)), file_(std::move(file)), done_(std::move(done)) {}

  uint64_t size() const;
  void write_on();
  void on_head(result<response_head> head);
  std::optional<error> told_by_daemon(const response_head& head) const;
  void read_on();
  void finish(result<upload_answer> outcome);

  upload_request what_;
  std::shared_ptr<const input_file> file_;
  handler<upload_answer> done_;
  std::shared_ptr<http_exchange> exchange_;
  upload_answer answer_;
  uint64_t sent_ = 0;
};

} // namespace peapod
