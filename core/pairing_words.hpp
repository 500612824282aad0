#pragma once

#include <array>
#include <string_view>

namespace peapod {

/// The words of a pairing code, ten bits each: short and common, no two with
/// the same first four letters, in the order of the alphabet. Both devices must
/// have the same list: it is a part of protocol 2.
extern const std::array<std::string_view, 1024> pairing_words;

} // namespace peapod
