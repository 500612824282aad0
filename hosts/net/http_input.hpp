#pragma once

#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/types.hpp"
#include "hosts/net/http_parse.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

/// Received bytes on their way to heads and slices, without I/O.
namespace peapod::net {

/// What was received and not yet used. Slices share its blocks, and one block
/// serves many short reads, so that slices kept for long waste little.
class input_buffer {
public:
  /// Bytes received and not used.
  std::string_view unread() const;

  /// The same, to be changed in place.
  std::span<char> unread_span();

  /// Drops the first `n` unread bytes.
  void consume(size_t n);

  /// A slice of `n` bytes at `offset` of the unread ones, sharing the block.
  slice share(size_t offset, size_t n) const;

  /// Room of at least `min` bytes behind the unread ones. A new block has
  /// `block` bytes, or as many as are needed.
  std::span<uint8_t> prepare(size_t min, size_t block);

  /// Makes the first `n` bytes of the prepared room unread ones.
  void commit(size_t n) {
    end_ += n;
  }

  /// Gives the block back when nothing is unread; for idle connections.
  void shrink();

  /// The same, but keeps a block of at most `most` bytes that no slice shares:
  /// the next message will need one.
  void recycle(size_t most);

  /// Whether there is an empty block.
  bool has_block() const {
    return block_ != nullptr && begin_ == end_;
  }

private:
  std::shared_ptr<uint8_t[]> block_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

/// Turns received bytes into the pieces of one body.
class body_decoder {
public:
  /// `length` matters with `body_framing::length` only, `in_trailers` with
  /// `body_framing::chunked`.
  body_decoder(body_framing framing, uint64_t length,
               padding in_trailers = padding::refused);

  /// The next piece out of `in`, at most `limit` bytes; nothing when more must
  /// be received first. Errors: `bad_http`.
  result<std::optional<body_part>> next(input_buffer& in, size_t limit);

  /// Whether the body's bytes stand in the stream as they are.
  bool is_raw() const {
    return framing_ != body_framing::chunked;
  }

  /// Counts `n` bytes of a raw body that were taken past this object.
  void skip(uint64_t n);

  /// What the sender's end of the connection means: the last part of an
  /// `until_close` body. Errors: `connection_closed` for all others.
  result<body_part> finish();

  /// Whether the last part was given out.
  bool done() const {
    return done_;
  }

  /// Bytes that the rest of the body has at most, for sizing a read.
  uint64_t rest() const;

private:
  std::optional<body_part> next_raw(input_buffer& in, size_t limit);
  result<std::optional<body_part>> next_chunked(input_buffer& in, size_t limit);
  std::optional<body_part> give_out(size_t limit);

  body_framing framing_;
  uint64_t rest_ = 0;
  bool done_ = false;
  bool ended_ = false; // chunked: the last chunk was seen
  slice decoded_;      // chunked: content not given out
  std::optional<chunk_decoder> chunks_;
};

} // namespace peapod::net
