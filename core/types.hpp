#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

// -- time ---------------------------------------------------------------------

/// The clock of the core. It has no `now()` on purpose: time is handed in by
/// whoever runs the machine, which is what lets a whole pod run under a
/// virtual clock.
struct pod_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<pod_clock>;
  static constexpr bool is_steady = true;
};

/// A point in time; only differences between two of them mean something.
using instant = pod_clock::time_point;

/// A span of time.
using duration = pod_clock::duration;

/// A span of time in seconds, with fractions.
constexpr double seconds_of(duration x) {
  return std::chrono::duration<double>(x).count();
}

// -- identifiers --------------------------------------------------------------

/// A fixed number of raw bytes that must not be mixed up with another kind of
/// fixed number of raw bytes: `Tag` tells the kinds apart.
template <class Tag, size_t Size>
struct raw_id {
  static constexpr size_t size = Size;
  std::array<uint8_t, Size> bytes{};

  auto operator<=>(const raw_id&) const = default;

  /// Copies `Size` bytes from `in`, which must have exactly that many.
  static raw_id from(std::span<const uint8_t> in) {
    raw_id out;
    std::memcpy(out.bytes.data(), in.data(), Size);
    return out;
  }
};

/// SHA-256(public key), first 16 bytes (PROTOCOL-v1, Identity).
using device_id = raw_id<struct device_id_tag, 16>;

/// Names one transfer between the device that asks and its peers.
using transfer_id = raw_id<struct transfer_id_tag, 16>;

/// An X25519 public key.
using public_key = raw_id<struct public_key_tag, 32>;

/// A SHA-256 digest.
using digest = raw_id<struct digest_tag, 32>;

/// Lower-case hexadecimal text of `bytes`.
std::string to_hex(std::span<const uint8_t> bytes);

template <class Tag, size_t Size>
std::string to_string(const raw_id<Tag, Size>& x) {
  return to_hex(x.bytes);
}

/// Bytes of a hexadecimal text; empty when `text` is not hexadecimal or has an
/// odd length.
std::vector<uint8_t> from_hex(std::string_view text);

// -- ranges -------------------------------------------------------------------

/// Half open range of offsets in a body: `[begin, end)`, in bytes.
struct byte_range {
  uint64_t begin = 0;
  uint64_t end = 0;

  auto operator<=>(const byte_range&) const = default;
  uint64_t size() const {
    return end > begin ? end - begin : 0;
  }
  bool empty() const {
    return end <= begin;
  }
  bool contains(uint64_t offset) const {
    return begin <= offset && offset < end;
  }
  bool contains(byte_range other) const {
    return begin <= other.begin && other.end <= end;
  }
};

/// The part that both ranges have; empty when they have none.
inline byte_range intersection(byte_range x, byte_range y) {
  auto b = x.begin > y.begin ? x.begin : y.begin;
  auto e = x.end < y.end ? x.end : y.end;
  return {b, e < b ? b : e};
}

/// `"[begin,end)"`.
std::string to_string(byte_range x);

// -- bytes --------------------------------------------------------------------

/// Mutable bytes on their way into a slice.
using byte_buffer = std::vector<uint8_t>;

/// Immutable, reference counted bytes: copying a slice copies no payload.
class slice {
public:
  slice() = default;

  /// Takes over `buffer`.
  explicit slice(byte_buffer buffer);

  /// Copies `text`.
  explicit slice(std::string_view text);

  /// Shares bytes that `owner` keeps alive.
  slice(std::shared_ptr<const void> owner, const uint8_t* data, size_t size)
    : owner_(std::move(owner)), data_(data), size_(size) {}

  const uint8_t* data() const {
    return data_;
  }
  size_t size() const {
    return size_;
  }
  bool empty() const {
    return size_ == 0;
  }
  std::span<const uint8_t> bytes() const {
    return {data_, size_};
  }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(data_), size_};
  }

  /// A part of this slice that shares its storage; `offset` and `count` are
  /// cut to what is there.
  slice sub(size_t offset, size_t count = SIZE_MAX) const;

private:
  std::shared_ptr<const void> owner_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

/// Fills a span with random bytes. Injected, so that a simulation can repeat.
using random_source = std::function<void(std::span<uint8_t>)>;

/// 1 KiB = 1024 bytes.
constexpr uint64_t operator""_KiB(unsigned long long n) {
  return n << 10;
}

/// 1 MiB = 1024 KiB.
constexpr uint64_t operator""_MiB(unsigned long long n) {
  return n << 20;
}

} // namespace peapod

template <class Tag, size_t Size>
struct std::hash<peapod::raw_id<Tag, Size>> {
  size_t operator()(const peapod::raw_id<Tag, Size>& x) const noexcept {
    size_t out = 0;
    std::memcpy(&out, x.bytes.data(), sizeof(out));
    return out;
  }
};
