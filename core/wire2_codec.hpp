#pragma once

#include "core/bincode.hpp"
#include "core/error.hpp"
#include "core/records.hpp"
#include "core/wire2_message.hpp"

#include <optional>

/// Messages of protocol 2 as bytes: a `u32` tag and the fields in the order of
/// the structs, in bincode (PROTOCOL, Protocol 2, Messages). Durations are
/// `u32` in the unit of their type, enumerations as wide as theirs.
namespace peapod::wire2 {

/// The most bytes that a `part` carries: a record's without tag, id, offset
/// and length.
constexpr size_t max_part_size = max_record_text - 4 - 4 - 8 - 8;

/// The most bytes that a `tunnel_data` carries.
constexpr size_t max_tunnel_data_size = max_record_text - 4 - 4 - 8;

/// The most bytes that a `view_piece` carries.
constexpr size_t max_view_piece_size = max_record_text - 4 - 8 - 1;

/// What a record held.
struct decoded {
  uint32_t tag = 0;
  /// Nothing when the tag is one that we do not know: skip it.
  std::optional<message> content;
};

/// Encodes a message in pieces; a payload is shared instead of copied. Error:
/// `limit_reached` when it breaks a bound or does not fit into a record.
result<bincode_parts> encode(const message& x);

/// Decodes what a record held. A payload shares the storage of `in`. Error:
/// `peer_misbehaved` for a message that breaks a bound, ends early, has bytes
/// behind its fields, or has a tag of protocol 1.
result<decoded> decode(const slice& in);

/// The sharing state as a part of another value.
void save(bincode_writer& out, const sharing& x);
void load(bincode_reader& in, sharing& x); ///< a broken bound fails `in`

} // namespace peapod::wire2
