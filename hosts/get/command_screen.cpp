#include "hosts/get/command_screen.hpp"

#include "hosts/common/control_client.hpp"
#include "hosts/common/terminal_text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

namespace peapod {

namespace {

using namespace std::chrono_literals;

bool is_terminal() {
  return ::isatty(STDERR_FILENO) != 0;
}

progress_style chosen(progress_style style) {
  if (style != progress_style::automatic)
    return style;
  return is_terminal() ? progress_style::bar : progress_style::none;
}

size_t terminal_width() {
  winsize size{};
  bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
  return known && size.ws_col > 20 ? size.ws_col - 1 : 79;
}

} // namespace

command_screen::command_screen(progress_style style, bool keep_stdout)
  : view_(chosen(style), keep_stdout ? std::cerr : std::cout, std::cerr,
          terminal_width()) {
  use_terminal_locale();
}

instant command_screen::now() {
  return instant{std::chrono::steady_clock::now().time_since_epoch()};
}

line_setup make_line_setup(const line_options& x,
                           const std::shared_ptr<board>& shown) {
  line_setup out;
  out.socket = x.socket;
  out.direct = x.direct;
  out.ca_file = x.ca_file;
  out.shown = shown;
  if (x.direct)
    return out;
  auto answer = ask_daemon(x.socket, {"GET", "/v1/status", ""}, 2s);
  if (!answer) {
    // That none runs is nothing to speak of.
    if (answer.error().code != errc::connection_refused)
      shown->note("the daemon is not used: " + answer.error().detail);
    return out;
  }
  auto lines = parse_daemon_lines(answer->body);
  if (lines)
    out.daemon = std::move(*lines);
  else
    shown->note("the daemon is not used: " + lines.error().detail);
  return out;
}

} // namespace peapod
