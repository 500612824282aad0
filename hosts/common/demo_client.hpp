#pragma once

#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

namespace peapod {

/// A download as its client saw it.
struct demo_download {
  uint64_t size = 0; ///< bytes of the body
  digest sha256;     ///< of the body
  duration time{};   ///< from the request to the last byte
};

/// Called with how much of the body is there, after every read.
using demo_progress = std::function<void(uint64_t bytes)>;

/// Downloads `url` (`http`) through `proxy` and blocks until it is there; a
/// request to stop ends it. Errors: those of the connection, `timed_out` when
/// nothing comes for half a minute, `origin_refused` for a status other than
/// 200, `cancelled`.
result<demo_download> download_through(const endpoint& proxy,
                                       const std::string& url,
                                       const demo_progress& progress,
                                       std::stop_token stop);

} // namespace peapod
