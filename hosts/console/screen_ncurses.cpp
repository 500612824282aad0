#include "hosts/console/screen.hpp"

#include "hosts/console/terminal_kind.hpp"
#include "hosts/console/ui.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string>

#define NCURSES_NOMACROS
#define NCURSES_WIDECHAR 1
#include <curses.h>

namespace peapod::console {

namespace {

using key = input::key;

error not_possible(const std::string& why) {
  return {errc::not_allowed, why};
}

extent terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
    return {};
  return {size.ws_row, size.ws_col};
}

/// Why no screen can be opened; empty when it can.
std::string obstacle() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
    return "the console needs a terminal; peapod console --once prints the "
           "same without one";
  auto* name = std::getenv("TERM");
  if (!knows_terminal())
    return "the terminal type '" + std::string{name == nullptr ? "" : name}
           + "' is not known here: set TERM, or use peapod console --once";
  auto size = terminal_size();
  if (size.rows < least_extent.rows || size.columns < least_extent.columns)
    return "the terminal has " + std::to_string(size.columns) + "x"
           + std::to_string(size.rows)
           + " characters and the console needs 60x15: enlarge it, or use "
             "peapod console --once";
  return "";
}

/// Colour pairs by tone; plain terminals get the attributes only.
struct look {
  short colour;
  attr_t attributes;
};

look look_of(tone how) {
  switch (how) {
    case tone::plain:
      return {-1, A_NORMAL};
    case tone::dim:
      return {-1, A_DIM};
    case tone::strong:
      return {-1, A_BOLD};
    case tone::heading:
      return {-1, A_BOLD | A_UNDERLINE};
    case tone::good:
    case tone::fresh:
      return {COLOR_GREEN, A_NORMAL};
    case tone::warn:
      return {COLOR_YELLOW, A_NORMAL};
    case tone::bad:
      return {COLOR_RED, A_BOLD};
    case tone::active:
      return {COLOR_CYAN, A_NORMAL};
    case tone::tab:
      return {-1, A_REVERSE | A_BOLD};
    case tone::source:
      break;
  }
  constexpr std::array<short, source_tones> sources{COLOR_GREEN,   COLOR_CYAN,
                                                    COLOR_MAGENTA, COLOR_YELLOW,
                                                    COLOR_BLUE,    COLOR_RED};
  auto index = static_cast<size_t>(how) - static_cast<size_t>(tone::source);
  return {sources[index % source_tones], A_REVERSE};
}

class ncurses_screen : public screen {
public:
  explicit ncurses_screen(charset set) : set_(set) {
    // A lone Escape is a key of ours; over ssh the rest of a sequence may
    // come a little later.
    set_escdelay(100);
    // The terminal knows its size better than LINES and COLUMNS.
    use_tioctl(TRUE);
    initscr();
    cbreak();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    curs_set(0);
    prepare_colours();
  }

  ~ncurses_screen() override {
    endwin();
  }

  extent size() const override {
    auto rows = getmaxy(stdscr);
    auto columns = getmaxx(stdscr);
    return {static_cast<size_t>(std::max(rows, 1)),
            static_cast<size_t>(std::max(columns, 1))};
  }

  void show(const lines& content) override {
    auto room = size();
    werase(stdscr);
    for (size_t i = 0; i < std::min(content.size(), room.rows); ++i)
      draw(static_cast<int>(i), content[i], room.columns);
    wrefresh(stdscr);
  }

  std::optional<input> wait(std::chrono::milliseconds most) override {
    wtimeout(stdscr, static_cast<int>(most.count()));
    wint_t c = 0;
    auto got = wget_wch(stdscr, &c);
    if (got == ERR)
      return std::nullopt;
    if (got == KEY_CODE_YES)
      return special(c);
    return typed(c);
  }

private:
  void prepare_colours() {
    auto* refused = std::getenv("NO_COLOR");
    has_colour_ = has_colors() && (refused == nullptr || *refused == '\0')
                  && start_color() == OK;
    if (!has_colour_)
      return;
    auto background =
        static_cast<short>(use_default_colors() == OK ? -1 : COLOR_BLACK);
    for (short colour = 0; colour < 8; ++colour)
      init_pair(static_cast<short>(colour + 1), colour, background);
  }

  void draw(int row, const line& x, size_t columns) {
    wmove(stdscr, row, 0);
    for (auto& piece : x.spans) {
      auto how = look_of(piece.how);
      auto attributes = how.attributes;
      // Colours on a reversed line would be a rainbow that nobody can read.
      if (x.selected)
        attributes = A_REVERSE | (attributes & A_BOLD);
      auto pair = has_colour_ && how.colour >= 0 && !x.selected
                      ? static_cast<short>(how.colour + 1)
                      : short{0};
      wattr_set(stdscr, attributes, pair, nullptr);
      auto text = in_charset(piece.text, set_);
      waddnstr(stdscr, text.c_str(), static_cast<int>(text.size()));
    }
    wattr_set(stdscr, x.selected ? A_REVERSE : A_NORMAL, 0, nullptr);
    if (auto used = x.width(); x.selected && used < columns)
      whline(stdscr, ' ' | A_REVERSE, static_cast<int>(columns - used));
    wattr_set(stdscr, A_NORMAL, 0, nullptr);
  }

  static std::optional<input> special(wint_t c) {
    switch (c) {
      case KEY_RESIZE:
        return std::nullopt;
      case KEY_UP:
        return input{key::up};
      case KEY_DOWN:
        return input{key::down};
      case KEY_LEFT:
        return input{key::left};
      case KEY_RIGHT:
        return input{key::right};
      case KEY_PPAGE:
        return input{key::page_up};
      case KEY_NPAGE:
        return input{key::page_down};
      case KEY_HOME:
        return input{key::home};
      case KEY_END:
        return input{key::end};
      case KEY_ENTER:
        return input{key::enter};
      case KEY_BACKSPACE:
        return input{key::backspace};
      case KEY_BTAB:
        return input{key::back_tab};
      default:
        return input{key::other};
    }
  }

  static std::optional<input> typed(wint_t c) {
    switch (c) {
      case '\r':
      case '\n':
        return input{key::enter};
      case '\t':
        return input{key::tab};
      case 0x1b:
        return input{key::escape};
      case 0x7f:
      case 0x08:
        return input{key::backspace};
      default:
        return c < 0x20 ? input{key::other}
                        : input{key::character, static_cast<char32_t>(c)};
    }
  }

  charset set_;
  bool has_colour_ = false;
};

} // namespace

result<std::unique_ptr<screen>> screen::open() {
  auto set = use_terminal_locale();
  if (auto why = obstacle(); !why.empty())
    return not_possible(why);
  return std::make_unique<ncurses_screen>(set);
}

} // namespace peapod::console
