#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace peapod {

/// Bytes of a text such as `"64KiB"`, `"1 MiB"`, `"10MB"` or `"4096"`: `KiB`,
/// `MiB`, `GiB`, `TiB` are powers of 1024, `kB`, `MB`, `GB`, `TB` of 1000, and
/// `B` or nothing is one byte. Nothing for any other text, a fraction, or more
/// than 64 bits hold.
std::optional<uint64_t> parse_size(std::string_view text);

/// Bytes per second of a text such as `"10Mbit/s"`, `"1MiB/s"` or `"0"`: `bit`,
/// `kbit`, `Mbit`, `Gbit` (powers of 1000) or a unit of `parse_size`, each
/// followed by `/s`.
std::optional<uint64_t> parse_rate(std::string_view text);

/// A size for people: `"512 B"`, `"64 KiB"`, `"1.5 MiB"`.
std::string size_text(uint64_t bytes);

/// A rate for people, from bytes per second: `"40.0 Mbit/s"`.
std::string rate_text(uint64_t bytes_per_second);

} // namespace peapod
