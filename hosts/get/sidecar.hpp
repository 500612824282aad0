#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"
#include "core/representation.hpp"
#include "core/types.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// What stands beside a file that is not complete (`NAME.peapod`): what it is a
/// part of, and which of its bytes are there.
struct sidecar {
  std::string from; ///< as `resource_name` says
  representation rep;
  std::vector<byte_range> have; ///< in order, none touches another

  bool operator==(const sidecar&) const = default;

  /// Bytes from the beginning on that are there without a gap.
  uint64_t prefix() const {
    return !have.empty() && have[0].begin == 0 ? have[0].end : 0;
  }

  /// Bytes that a file has to have to hold them all.
  uint64_t extent() const {
    return have.empty() ? 0 : have.back().end;
  }
};

/// A URL without its query: that may hold a signature, which is a secret and
/// another one each time.
std::string resource_name(const url& x);

/// As JSON.
std::string to_text(const sidecar& x);

/// Errors: `bad_config` with what is wrong, as for a file that was cut off or
/// that a later PeaPod has written.
result<sidecar> parse_sidecar(std::string_view text);

} // namespace peapod
