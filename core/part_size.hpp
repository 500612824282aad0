#pragma once

#include "core/types.hpp"

namespace peapod {

/// Bytes of a body in a part for a peer (PROTOCOL, Protocol 2, Messages): what
/// one record takes, and less than it by what a part and its record add.
constexpr size_t part_size = 64_KiB - 256;

/// Bytes that are read of a body at a time, at most: whole parts, such that no
/// record carries only a small rest.
constexpr size_t piece_size = 4 * part_size;

} // namespace peapod
