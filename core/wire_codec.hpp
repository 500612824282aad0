#pragma once

#include "core/bincode.hpp"
#include "core/error.hpp"
#include "core/wire_message.hpp"

#include <optional>

/// Messages as bytes (PROTOCOL-v1, Encoding). A frame is a `u32` LE length and
/// a message in bincode.
namespace peapod {

/// The longest message in a frame, in bytes.
constexpr size_t max_message_size = 16_MiB;

/// The longest payload of a `chunk_data` that a session of protocol 1 carries,
/// in bytes (PROTOCOL-v1, Session).
constexpr size_t max_chunk_payload = 16'777'120;

/// Bytes of a frame's length field.
constexpr size_t frame_header_size = 4;

/// A message and the bytes that its frame took.
struct decoded_frame {
  wire_message message;
  size_t consumed = 0;
};

/// Encodes a frame in pieces: the length stands in `head`, and a payload is
/// shared instead of copied. Error: `limit_reached` when the message is longer
/// than `max_message_size`.
result<bincode_parts> encode_frame_parts(const wire_message& x);

/// Encodes a frame as one buffer. Error: as `encode_frame_parts`.
result<byte_buffer> encode_frame(const wire_message& x);

/// Decodes the frame that `in` starts with; nothing when more bytes are
/// needed. Bytes of the frame after its message are ignored unless they are an
/// extension of ours. Error: `peer_misbehaved`.
result<std::optional<decoded_frame>> decode_frame(const slice& in);

/// Decodes the message of a frame, without the length. The payload of a
/// `chunk_data` shares the storage of `in`. Error: `peer_misbehaved`.
result<wire_message> decode_message(const slice& in);

/// Reads the little endian length that `in` (at least four bytes) starts with.
uint32_t read_frame_length(std::span<const uint8_t> in);

} // namespace peapod
