#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace peapod {

/// What identifies one version of a resource (RFC 9110, 8.8): its validators
/// and its length. Ranges of two different representations are never spliced.
struct representation {
  std::optional<std::string> etag; ///< with its quotes and `W/`
  std::optional<std::string> last_modified;
  std::optional<uint64_t> total_length; ///< bytes of the whole body

  bool operator==(const representation&) const = default;
};

} // namespace peapod
