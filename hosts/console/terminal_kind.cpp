#include "hosts/console/terminal_kind.hpp"

#include <unistd.h>

// curses.h first: term.h needs it.
#include <curses.h>

#include <term.h>

namespace peapod::console {

bool knows_terminal() {
  int found = 0;
  if (setupterm(nullptr, STDOUT_FILENO, &found) != OK)
    return false;
  // terminfo takes names that it does not change.
  auto* placing = tigetstr(const_cast<char*>("cup"));
  return placing != nullptr && placing != reinterpret_cast<char*>(-1);
}

} // namespace peapod::console
