#include "hosts/get/command_screen.hpp"

#include "hosts/common/control_client.hpp"
#include "hosts/common/terminal_text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace peapod {

namespace {

using namespace std::chrono_literals;

bool is_terminal() {
  return ::isatty(STDERR_FILENO) != 0;
}

/// A terminal that lines can be drawn over on.
bool moves_cursor() {
  auto* name = std::getenv("TERM");
  return is_terminal() && name != nullptr && std::string_view{name} != "dumb";
}

progress_style chosen(progress_style style) {
  if (style != progress_style::automatic)
    return style;
  return moves_cursor() ? progress_style::bar : progress_style::none;
}

using daemon_answer = result<net::control_response>;

daemon_answer ask_status(const std::filesystem::path& socket) {
  return ask_daemon(socket, {"GET", "/v1/status", ""}, 2s);
}

bool is_nobody(const daemon_answer& answer) {
  return !answer && answer.error().code == errc::connection_refused;
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
  auto answer = ask_status(x.socket);
  if (is_nobody(answer) && !x.other_socket.empty()
      && x.other_socket != x.socket) {
    auto other = ask_status(x.other_socket);
    if (!is_nobody(other)) {
      out.socket = x.other_socket;
      answer = std::move(other);
    }
  }
  if (!answer) {
    // To a script, that none runs is nothing to speak of.
    if (!is_nobody(answer))
      shown->note("the daemon is not used: " + answer.error().detail);
    else if (is_terminal() && x.progress != progress_style::none)
      shown->note("no daemon runs: this device's own line alone");
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
