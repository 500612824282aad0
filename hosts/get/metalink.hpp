#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"
#include "core/origin_digest.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// One file of a Metalink (RFC 5854, 4.1.2).
struct metalink_file {
  std::string name; ///< without folders: never a way out of ours
  std::optional<uint64_t> size;
  std::vector<origin_digest> digests; ///< of the whole; others are skipped
  std::vector<url> urls;              ///< by priority; http and https only
};

/// Parses a Metalink 4 document. Errors: `bad_config` with what is wrong: no
/// Metalink, no file, a file without a name or without a URL that can be used.
result<std::vector<metalink_file>> parse_metalink(std::string_view text);

} // namespace peapod
