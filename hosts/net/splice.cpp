#include "hosts/net/splice.hpp"

namespace peapod::net {

pipe_pool::pipe_pool(size_t most) : most_(most) {}

std::optional<kernel_pipe> pipe_pool::take() {
  if (idle_.empty())
    return kernel_pipe::make();
  std::optional<kernel_pipe> out{std::move(idle_.back())};
  idle_.pop_back();
  return out;
}

void pipe_pool::give_back(kernel_pipe pipe) {
  if (pipe.held() == 0 && idle_.size() < most_)
    idle_.push_back(std::move(pipe));
}

#ifndef __linux__

std::optional<kernel_pipe> kernel_pipe::make() {
  return std::nullopt;
}

kernel_pipe::~kernel_pipe() = default;

long kernel_pipe::fill_from(int, size_t) {
  return -1;
}

long kernel_pipe::drain_to(int, bool) {
  return -1;
}

#endif

} // namespace peapod::net
