#pragma once

#include "core/error.hpp"
#include "core/trust_store.hpp"

#include <string>
#include <string_view>

namespace peapod {

/// The longest text of a trust store, in bytes.
constexpr size_t max_trust_text = 1 << 20;

/// A trust store as text: JSON with a version, one device a line.
///
///     {"version": 1,
///      "devices": [{"key": 64 hexadecimal digits, "name": text,
///                   "since": seconds since 1970, "by": "paired", "secret" or
///                   "open", "protocol": the highest ever spoken}, ...],
///      "known": [{"key": ..., "protocol": ..., "refused": true or false,
///                 "peer": true or missing}, ...]}
///
/// `known` are the keys that are remembered without trust; those in which it
/// was taken back are `refused`, those that were in the pod are `peer`s.
std::string trust_text(const trust_store& x);

/// The store that such a text is of. Nothing is guessed: whatever is missing,
/// unknown, twice there or out of bounds is an error. Error: `bad_config` with
/// a sentence that says what is wrong, and where.
result<trust_store> parse_trust(std::string_view text);

} // namespace peapod
