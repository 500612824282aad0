#pragma once

#include <string>
#include <utility>

namespace peapod {

/// Which of this device's own lines something leaves through, when there are
/// several.
struct line_wish {
  /// Whoever keeps one line for each site: a client's address, or a peer's id.
  /// Empty: lines are taken in turn.
  std::string user;
  /// The only line that will do, as the user calls it; empty: any.
  std::string line;

  bool operator==(const line_wish&) const = default;
};

/// What a port can do besides, if it leaves through own lines: take one that is
/// wished for.
class line_choice_port {
public:
  virtual ~line_choice_port() = default;

  /// For the connection that is asked for next.
  virtual void leave_through(line_wish x) = 0;
};

/// Tells a port, if it has a choice.
template <class Port>
void leave_through(Port& port, line_wish x) {
  if (auto* with_choice = dynamic_cast<line_choice_port*>(&port))
    with_choice->leave_through(std::move(x));
}

} // namespace peapod
