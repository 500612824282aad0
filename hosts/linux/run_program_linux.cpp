#include "hosts/linux/run_program_linux.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace peapod {

namespace {

using clock = std::chrono::steady_clock;

constexpr size_t max_output = 64 * 1024;

/// Both ends of a pipe; closed at the end of its scope.
class pipe_ends {
public:
  pipe_ends() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0)
      ends_ = {-1, -1};
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    close(0);
    close(1);
  }
  bool is_open() const {
    return ends_[0] >= 0;
  }
  int operator[](size_t i) const {
    return ends_[i];
  }
  void close(size_t i) {
    if (ends_[i] >= 0)
      ::close(ends_[i]);
    ends_[i] = -1;
  }

private:
  std::array<int, 2> ends_{-1, -1};
};

result<pid_t> spawn(const std::vector<std::string>& words, const pipe_ends& out,
                    const pipe_ends& err) {
  std::vector<char*> arguments;
  for (auto& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, out[1], 1);
  ::posix_spawn_file_actions_adddup2(&files, err[1], 2);
  posix_spawnattr_t how;
  ::posix_spawnattr_init(&how);
  // Signals that the daemon or its helper ignores; nobody else should.
  sigset_t reset;
  ::sigemptyset(&reset);
  for (auto signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP})
    ::sigaddset(&reset, signal);
  ::posix_spawnattr_setsigdefault(&how, &reset);
  ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  auto code = ::posix_spawnp(&pid, arguments.front(), &files, &how,
                             arguments.data(), environ);
  ::posix_spawnattr_destroy(&how);
  ::posix_spawn_file_actions_destroy(&files);
  if (code == ENOENT)
    return make_error(errc::not_found, words.front() + " is not installed");
  if (code != 0)
    return make_error(errc::io_failed,
                      words.front() + ": " + std::strerror(code));
  return pid;
}

/// Reads what there is; false at the end.
bool read_into(std::string& to, int fd) {
  std::array<char, 4096> block{};
  auto got = ::read(fd, block.data(), block.size());
  if (got > 0 && to.size() < max_output)
    to.append(block.data(), static_cast<size_t>(got));
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/// Collects both outputs until both have ended; false past the deadline.
bool collect(program_outcome& into, pipe_ends& out, pipe_ends& err,
             clock::time_point deadline) {
  while (out[0] >= 0 || err[0] >= 0) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
    if (left.count() <= 0)
      return false;
    std::array<pollfd, 2> watched{{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}}};
    auto ready =
        ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR)
      return false;
    if (ready <= 0)
      continue;
    if (watched[0].revents != 0 && !read_into(into.out, out[0]))
      out.close(0);
    if (watched[1].revents != 0 && !read_into(into.err, err[0]))
      err.close(0);
  }
  return true;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

result<program_outcome> run_program(const std::vector<std::string>& words,
                                    duration patience) {
  pipe_ends out;
  pipe_ends err;
  if (!out.is_open() || !err.is_open())
    return make_error(errc::limit_reached,
                      words.front() + ": " + std::strerror(errno));
  auto pid = spawn(words, out, err);
  if (!pid)
    return pid.error();
  out.close(1);
  err.close(1);
  program_outcome outcome;
  auto in_time = collect(outcome, out, err, clock::now() + patience);
  if (!in_time)
    ::kill(*pid, SIGKILL);
  outcome.status = wait_for(*pid);
  if (!in_time)
    return make_error(errc::timed_out, words.front() + " did not end");
  return outcome;
}

} // namespace peapod
