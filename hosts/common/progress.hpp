#pragma once

#include "core/types.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>

namespace peapod {

/// Whether standard output is a terminal, where a line can be drawn over.
bool stdout_is_terminal();

/// Whether standard input is one, at which somebody can answer.
bool stdin_is_terminal();

/// Shows how something of known size advances: on a terminal by a bar that is
/// drawn over, else by a line after every quarter.
class progress {
public:
  /// `total` in bytes, not 0. `label` stands in front.
  progress(std::ostream& out, bool terminal, std::string label, uint64_t total);

  /// `done` bytes are there `elapsed` after the beginning; the rate that is
  /// shown is the average since then.
  void show(uint64_t done, duration elapsed);

  /// Ends the line of a bar, so that something else can be printed.
  void finish();

private:
  std::ostream& out_;
  bool terminal_;
  std::string label_;
  uint64_t total_;
  uint64_t quarters_ = 0; ///< that have been printed
  bool drawn_ = false;
};

/// A bar of `width` characters, of which `done` / `total` are filled.
std::string progress_bar(uint64_t done, uint64_t total, size_t width);

} // namespace peapod
