#include "hosts/net/splice.hpp"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace peapod::net {

namespace {

constexpr size_t wanted_capacity = 256 * 1024;

/// splice(2) has no MSG_NOSIGNAL: a client that is gone would end the process,
/// unless its host has decided about SIGPIPE already.
void survive_broken_pipes() {
  struct sigaction now {};
  if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
    std::signal(SIGPIPE, SIG_IGN);
}

} // namespace

std::optional<kernel_pipe> kernel_pipe::make() {
  survive_broken_pipes();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return std::nullopt;
  // Refused when the user's pipes hold too much already: then it stays small.
  auto size = ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(wanted_capacity));
  if (size <= 0)
    size = ::fcntl(ends[1], F_GETPIPE_SZ);
  return kernel_pipe{ends[0], ends[1], static_cast<size_t>(std::max(size, 1))};
}

kernel_pipe::~kernel_pipe() {
  if (out_ >= 0) {
    ::close(out_);
    ::close(in_);
  }
}

long kernel_pipe::fill_from(int socket, size_t most) {
  auto n = ::splice(socket, nullptr, in_, nullptr, std::min(most, capacity_),
                    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n > 0)
    held_ += static_cast<size_t>(n);
  return n;
}

long kernel_pipe::drain_to(int socket, bool more) {
  unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  if (more)
    flags |= SPLICE_F_MORE;
  auto n = ::splice(out_, nullptr, socket, nullptr, held_, flags);
  if (n > 0)
    held_ -= static_cast<size_t>(n);
  return n;
}

} // namespace peapod::net
