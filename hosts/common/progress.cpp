#include "hosts/common/progress.hpp"

#include "hosts/common/size_text.hpp"

#include <algorithm>
#include <chrono>
#include <ostream>

#ifdef _WIN32
#include <io.h>
#include <stdio.h>
#else
#include <unistd.h>
#endif

namespace peapod {

namespace {

/// Bytes a second.
uint64_t average(uint64_t bytes, duration time) {
  auto seconds = std::chrono::duration<double>(time).count();
  return seconds > 0
             ? static_cast<uint64_t>(static_cast<double>(bytes) / seconds)
             : 0;
}

} // namespace

bool stdout_is_terminal() {
#ifdef _WIN32
  return ::_isatty(::_fileno(stdout)) != 0;
#else
  return ::isatty(STDOUT_FILENO) != 0;
#endif
}

bool stdin_is_terminal() {
#ifdef _WIN32
  return ::_isatty(::_fileno(stdin)) != 0;
#else
  return ::isatty(STDIN_FILENO) != 0;
#endif
}

progress::progress(std::ostream& out, bool terminal, std::string label,
                   uint64_t total)
  : out_(out), terminal_(terminal), label_(std::move(label)), total_(total) {}

void progress::show(uint64_t done, duration elapsed) {
  done = std::min(done, total_);
  auto quarters = done * 4 / total_;
  auto rate = rate_text(average(done, elapsed));
  auto percent = std::to_string(done * 100 / total_) + " %";
  if (terminal_) {
    // Spaces cover what a longer rate has left.
    out_ << '\r' << label_ << " [" << progress_bar(done, total_, 30) << "] "
         << percent << ", " << rate << "     " << std::flush;
    drawn_ = true;
  } else if (quarters > quarters_) {
    out_ << label_ << ' ' << percent << ", " << rate << std::endl;
    quarters_ = quarters;
  }
}

void progress::finish() {
  if (drawn_)
    out_ << std::endl;
  drawn_ = false;
}

std::string progress_bar(uint64_t done, uint64_t total, size_t width) {
  auto part = static_cast<double>(done) / static_cast<double>(total);
  auto filled =
      std::min(width, static_cast<size_t>(part * static_cast<double>(width)));
  return std::string(filled, '#') + std::string(width - filled, '.');
}

} // namespace peapod
