#pragma once

#include "core/error.hpp"
#include "hosts/common/styled_text.hpp"
#include "hosts/console/page.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace peapod::console {

/// A terminal in full-screen mode. Destroying it restores the terminal.
class screen {
public:
  virtual ~screen() = default;

  /// Takes over the terminal of the process. Errors: `not_allowed` when there
  /// is none, when it is of an unknown kind, or smaller than `least_extent`.
  static result<std::unique_ptr<screen>> open();

  virtual extent size() const = 0;
  virtual void show(const lines& content) = 0;

  /// Waits for a key, and not longer than this. Nothing when none came, the
  /// size has changed, or a signal arrived.
  virtual std::optional<input> wait(std::chrono::milliseconds most) = 0;
};

} // namespace peapod::console
