#include "hosts/get/stdout_writer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace peapod {

namespace {

using self_pointer = stdout_writer_state::self_pointer;

/// What a pipe takes without waiting once it takes anything (POSIX's PIPE_BUF).
constexpr size_t sure_piece = 4096;

constexpr int look_up_interval = 100; // ms

/// Waits until somebody reads. Errors: `cancelled` when it is not to wait on.
result<void> wait_for_reader(const std::atomic<bool>& stop) {
  while (!stop) {
    pollfd what{STDOUT_FILENO, POLLOUT, 0};
    auto ready = ::poll(&what, 1, look_up_interval);
    if (ready > 0 || (ready < 0 && errno != EINTR))
      return {};
  }
  return make_error(errc::cancelled, "called off");
}

result<void> write_all(std::span<const uint8_t> bytes,
                       const std::atomic<bool>& stop) {
  while (!bytes.empty()) {
    if (auto ready = wait_for_reader(stop); !ready)
      return ready;
    auto put = ::write(STDOUT_FILENO, bytes.data(),
                       std::min(bytes.size(), sure_piece));
    if (put < 0 && errno != EINTR && errno != EAGAIN)
      return make_error(errc::io_failed,
                        std::string{"standard output cannot be written: "}
                            + std::strerror(errno));
    if (put > 0)
      bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return {};
}

void on_write_piece(self_pointer self, const write_piece& msg) {
  auto& st = self->state;
  if (!st.broken) {
    auto done = write_all(msg.bytes.bytes(), *st.start->stop);
    if (done)
      st.check.update(msg.bytes.bytes());
    else
      st.broken = done.error();
  }
  self->send(st.start->download,
             piece_written{msg.bytes.size(), st.broken
                                                 ? result<void>{*st.broken}
                                                 : result<void>{}});
}

result<digest> finish(stdout_writer_state& st) {
  if (st.broken)
    return *st.broken;
  if (auto wrong = st.check.judge())
    return make_error(wrong->code, wrong->detail
                                       + "; all of it was written to standard "
                                         "output already");
  return st.check.finish();
}

} // namespace

file_writer_actor::behavior_type
stdout_writer_behavior(self_pointer self, stdout_writer_start start) {
  auto& st = self->state;
  st.start.emplace(std::move(start));
  st.check = whole_check{st.start->size, st.start->expected};
  return {
      [](start_work) {},
      [self](const write_piece& msg) { on_write_piece(self, msg); },
      [](const write_ahead&) {}, // what was written cannot be changed
      [self](take_ahead) {
        self->send(self->state.start->download, ahead_taken{});
      },
      [self](const tell_ahead& msg) {
        self->send(self->state.start->download, ahead_is{msg.attempt, {}});
      },
      [self](finish_file) {
        auto& st = self->state;
        self->send(st.start->download, file_finished{finish(st)});
        self->quit();
      },
      [self](leave_file) {
        self->send(self->state.start->download, file_left{});
        self->quit();
      },
  };
}

} // namespace peapod
