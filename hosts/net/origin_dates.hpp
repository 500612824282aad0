#pragma once

#include "core/clock_check.hpp"
#include "core/http_message.hpp"

#include <mutex>
#include <optional>
#include <string_view>

namespace peapod::net {

/// What origins say that the time is, in answers to this device's own requests.
/// May be used from any thread.
class origin_dates {
public:
  /// `host` has answered with these fields.
  void saw(std::string_view host, const http_fields& fields);

  /// How the system's clock stands, now (`clock_check::judge`).
  std::optional<clock_check::judgement> judge() const;

private:
  mutable std::mutex mutex_;
  clock_check check_;
};

} // namespace peapod::net
