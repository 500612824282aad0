#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <cereal/cereal.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>

/// bincode 1 in its default configuration (PROTOCOL-v1, Encoding) as a pair of
/// cereal archives: integers of fixed width in little endian, `u64` lengths,
/// one byte before an optional value. They serve every type that has cereal's
/// `serialize`.
namespace peapod {

/// An encoded value in pieces, so that a big payload is not copied: the bytes
/// before it, the payload, the bytes after it.
struct bincode_parts {
  byte_buffer head;
  slice payload;
  byte_buffer tail;

  size_t size() const {
    return head.size() + payload.size() + tail.size();
  }
};

/// Writes bincode. A value may have one `slice`, which is shared, not copied.
class bincode_writer
  : public cereal::OutputArchive<bincode_writer,
                                 cereal::AllowEmptyClassElision> {
public:
  bincode_writer() : OutputArchive(this) {}

  /// Appends raw bytes without a length.
  void write(std::span<const uint8_t> bytes);

  /// Appends an integer in little endian.
  void write_integer(uint64_t value, size_t width);

  /// Appends a length and `payload`; at most once.
  void write_payload(slice payload);

  /// What was written.
  bincode_parts take() &&;

private:
  byte_buffer& current() {
    return has_payload_ ? parts_.tail : parts_.head;
  }

  bincode_parts parts_;
  bool has_payload_ = false;
};

/// Reads bincode from a slice. The first error sticks: everything after it
/// reads as zero, and nothing grows beyond the bytes that remain.
class bincode_reader
  : public cereal::InputArchive<bincode_reader,
                                cereal::AllowEmptyClassElision> {
public:
  explicit bincode_reader(slice in) : InputArchive(this), in_(std::move(in)) {}

  /// Whether everything could be read so far.
  bool ok() const {
    return failure_.empty();
  }

  /// Why reading failed; empty if it did not.
  std::string_view failure() const {
    return failure_;
  }

  /// Ends reading for a reason; the first one counts.
  void fail(std::string_view reason);

  /// Fills `out` with the next bytes.
  void read(std::span<uint8_t> out);

  /// Reads an integer in little endian.
  uint64_t read_integer(size_t width);

  /// Reads a `u64` length that cannot exceed the bytes that remain.
  size_t read_length();

  /// The next `count` bytes, sharing the storage of the input.
  slice read_slice(size_t count);

  /// What has not been read.
  slice rest() const {
    return in_;
  }

private:
  slice in_;
  std::string_view failure_;
};

// -- how types are written ----------------------------------------------------

/// Identifiers that the protocol writes as byte slices, with a length; the
/// others are written raw.
template <class T>
concept written_with_length =
    std::same_as<T, device_id> || std::same_as<T, public_key>;

template <std::integral T>
void save(bincode_writer& out, const T& x) {
  out.write_integer(static_cast<std::make_unsigned_t<T>>(x), sizeof(T));
}

template <std::integral T>
void load(bincode_reader& in, T& x) {
  x = static_cast<T>(in.read_integer(sizeof(T)));
}

template <class Tag, size_t Size>
void save(bincode_writer& out, const raw_id<Tag, Size>& x) {
  if constexpr (written_with_length<raw_id<Tag, Size>>)
    out.write_integer(Size, 8);
  out.write(x.bytes);
}

template <class Tag, size_t Size>
void load(bincode_reader& in, raw_id<Tag, Size>& x) {
  if constexpr (written_with_length<raw_id<Tag, Size>>)
    if (in.read_length() != Size)
      in.fail("an identifier has a wrong length");
  in.read(x.bytes);
}

template <class T>
void save(bincode_writer& out, const std::optional<T>& x) {
  out.write_integer(x ? 1 : 0, 1);
  if (x)
    out(*x);
}

template <class T>
void load(bincode_reader& in, std::optional<T>& x) {
  auto tag = in.read_integer(1);
  if (tag > 1)
    in.fail("an optional value is neither there nor missing");
  x.reset();
  if (tag == 1)
    in(x.emplace());
}

void save(bincode_writer& out, const std::string& x);
void load(bincode_reader& in, std::string& x); ///< UTF-8, else an error
void save(bincode_writer& out, const slice& x);
void load(bincode_reader& in, slice& x); ///< shares the storage of the input

} // namespace peapod
