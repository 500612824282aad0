#pragma once

#include "core/bincode.hpp"
#include "core/http_message.hpp"
#include "core/representation.hpp"
#include "core/types.hpp"

#include <chrono>
#include <vector>

/// How fields of messages are written that are no messages themselves, for the
/// codecs of both protocols. cereal finds these by the namespace of the
/// archive.
namespace peapod {

template <class Archive>
void serialize(Archive& ar, byte_range& x) {
  ar(x.begin, x.end);
}

template <class Archive>
void serialize(Archive& ar, representation& x) {
  ar(x.etag, x.last_modified, x.total_length);
}

template <class Archive>
void serialize(Archive& ar, http_field& x) {
  ar(x.name, x.value);
}

/// bincode's `bool`: one byte, 0 or 1; any other is an error.
inline void save(bincode_writer& out, const bool& x) {
  out.write_integer(x ? 1 : 0, 1);
}

inline void load(bincode_reader& in, bool& x) {
  auto byte = in.read_integer(1);
  if (byte > 1)
    in.fail("a flag is neither set nor clear");
  x = byte == 1;
}

/// A duration is a `u32` in its own unit.
template <class Rep, class Period>
void save(bincode_writer& out, const std::chrono::duration<Rep, Period>& x) {
  out.write_integer(static_cast<uint32_t>(x.count()), 4);
}

template <class Rep, class Period>
void load(bincode_reader& in, std::chrono::duration<Rep, Period>& x) {
  x = std::chrono::duration<Rep, Period>{static_cast<Rep>(in.read_integer(4))};
}

} // namespace peapod
