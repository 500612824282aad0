#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

/// Moving bytes between sockets inside the kernel, where there is a way to.
namespace peapod::net {

/// A pipe that holds bytes between two sockets. Movable; closes itself.
class kernel_pipe {
public:
  /// A pipe that takes about 256 KiB, or less when the system's bound for this
  /// user (`fs.pipe-user-pages-soft`) is reached; nothing when the process has
  /// no descriptors left or the platform cannot do it.
  static std::optional<kernel_pipe> make();

  kernel_pipe(kernel_pipe&& other) noexcept
    : out_(std::exchange(other.out_, -1)),
      in_(std::exchange(other.in_, -1)),
      capacity_(other.capacity_),
      held_(std::exchange(other.held_, 0)) {}
  kernel_pipe& operator=(kernel_pipe&& other) noexcept {
    std::swap(out_, other.out_);
    std::swap(in_, other.in_);
    std::swap(capacity_, other.capacity_);
    std::swap(held_, other.held_);
    return *this;
  }
  ~kernel_pipe();

  /// Takes at most `most` bytes from `socket`, without waiting. As `read`: 0 is
  /// the end of the stream, -1 an error that `errno` names (`EAGAIN`: nothing
  /// is there now).
  long fill_from(int socket, size_t most);

  /// Gives bytes to `socket`, without waiting; `more`: others follow at once.
  /// As `write`.
  long drain_to(int socket, bool more);

  /// Bytes in the pipe.
  size_t held() const {
    return held_;
  }

  size_t capacity() const {
    return capacity_;
  }

private:
  kernel_pipe(int out, int in, size_t capacity)
    : out_(out), in_(in), capacity_(capacity) {}

  int out_ = -1; // where bytes leave it
  int in_ = -1;
  size_t capacity_ = 0;
  size_t held_ = 0;
};

/// Empty pipes that wait for their next use: making one costs several system
/// calls. For one thread.
class pipe_pool {
public:
  pipe_pool() = default;

  /// `most`: how many pipes to keep.
  explicit pipe_pool(size_t most);

  /// An empty pipe; nothing as in `kernel_pipe::make`.
  std::optional<kernel_pipe> take();

  /// Takes a pipe back; one that still holds bytes is closed.
  void give_back(kernel_pipe pipe);

private:
  size_t most_ = 16;
  std::vector<kernel_pipe> idle_;
};

} // namespace peapod::net
