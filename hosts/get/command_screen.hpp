#pragma once

#include "hosts/get/line_keeper.hpp"
#include "hosts/get/progress_view.hpp"

namespace peapod {

/// Where `get` and `put` show what they do: on the terminal, if there is one.
class command_screen {
public:
  /// With `keep_stdout` nothing goes to standard output.
  explicit command_screen(progress_style style, bool keep_stdout = false);

  progress_view& view() {
    return view_;
  }

  /// The time by which rates are measured.
  static instant now();

private:
  progress_view view_;
};

/// What the options say of lines, and what the daemon says now.
line_setup make_line_setup(const line_options& x,
                           const std::shared_ptr<board>& shown);

} // namespace peapod
