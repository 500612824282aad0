#pragma once

#include "core/types.hpp"
#include "hosts/common/get_options.hpp"
#include "hosts/get/board.hpp"
#include "hosts/get/get_exit.hpp"

#include <deque>
#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peapod {

/// Bytes a second over the last seconds.
class recent_rate {
public:
  /// `bytes` in all at this time.
  void note(uint64_t bytes, instant now);

  uint64_t get() const;

private:
  std::deque<std::pair<instant, uint64_t>> seen_;
};

/// The lines that a terminal of `width` columns shows: the file with a bar,
/// its rate and the time that is left, and one line a device.
std::vector<std::string> progress_lines(const board_view& view, uint64_t rate,
                                        size_t width);

/// The same as one line of JSON: `{"event":"progress",...}`.
std::string progress_json(const board_view& view, uint64_t rate);

/// Shows how a transfer stands, as often as it is told.
class progress_view {
public:
  /// Bars and notes go to `err`, JSON to `out`. `style` is not `automatic`.
  progress_view(progress_style style, std::ostream& out, std::ostream& err,
                size_t width)
    : style_(style), out_(out), err_(err), width_(width) {}

  /// A new file begins.
  void begin();

  void show(const board_view& view, instant now);

  /// The last lines stay; `text` is what became of it.
  void finish(const board_view& view, const std::string& text,
              const std::optional<get_failure>& failure);

  /// A line that is not overwritten.
  void say(const std::string& text);

private:
  void draw(const std::vector<std::string>& lines);
  void erase();
  void event(std::string_view name, const std::string& text,
             std::optional<int> code);

  progress_style style_;
  std::ostream& out_;
  std::ostream& err_;
  size_t width_;
  size_t drawn_ = 0; ///< lines that would be drawn over
  recent_rate rate_;
  std::optional<instant> shown_; ///< when JSON was last written
};

} // namespace peapod
