#pragma once

#include "core/origin_digest.hpp"

#include <string>
#include <string_view>

namespace peapod {

/// The hash that a person gives, as in `sha-256=2CF2...`: a name with or
/// without its hyphen, `=` or `:`, and hexadecimal digits. Errors: `bad_config`
/// with what is wrong; MD5 and SHA-1 are refused, because anybody can make
/// other bytes with the same one.
result<origin_digest> parse_checksum(std::string_view text);

/// The algorithm that is called so; nothing for others.
std::optional<digest_algorithm> parse_algorithm(std::string_view name);

/// The same of a name and digits.
result<origin_digest> make_checksum(std::string_view name,
                                    std::string_view digits);

/// As `parse_checksum` reads it.
std::string to_string(const origin_digest& x);

} // namespace peapod
