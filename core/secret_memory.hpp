#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

/// Memory for what nobody else may know.
namespace peapod {

/// Overwrites `bytes` with zeros in a way that a compiler keeps.
void erase_secret(std::span<uint8_t> bytes);

/// Secret bytes: not copied by accident, erased when they go away.
template <size_t Size>
class secret_bytes {
public:
  secret_bytes() = default;
  explicit secret_bytes(std::span<const uint8_t, Size> in) {
    std::memcpy(bytes_.data(), in.data(), Size);
  }
  secret_bytes(secret_bytes&& other) noexcept : bytes_(other.bytes_) {
    erase_secret(other.bytes_);
  }
  secret_bytes& operator=(secret_bytes&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      erase_secret(other.bytes_);
    }
    return *this;
  }
  ~secret_bytes() {
    erase_secret(bytes_);
  }

  std::span<uint8_t, Size> bytes() {
    return bytes_;
  }
  std::span<const uint8_t, Size> bytes() const {
    return bytes_;
  }

  /// A deliberate copy.
  secret_bytes clone() const {
    return secret_bytes{bytes()};
  }

private:
  std::array<uint8_t, Size> bytes_{};
};

/// Pages of their own (`sodium_malloc`): locked, so that they are not swapped
/// out, unless the system's bound on locked memory is reached; left out of core
/// dumps (MADV_DONTDUMP); between pages that cannot be touched; erased at the
/// end.
class secret_pages {
public:
  /// Throws `std::bad_alloc` when there is no memory.
  explicit secret_pages(size_t size);

  uint8_t* data() const {
    return data_.get();
  }

  /// From now on they can only be read.
  void seal();

private:
  struct release {
    void operator()(uint8_t* data) const;
  };

  std::unique_ptr<uint8_t, release> data_;
};

/// Secret bytes that live as long as the process does, or a handshake.
template <size_t Size>
class kept_secret {
public:
  /// A copy of `in`, which whoever has it erases.
  explicit kept_secret(std::span<const uint8_t, Size> in) : pages_(Size) {
    std::memcpy(pages_.data(), in.data(), Size);
    pages_.seal();
  }

  std::span<const uint8_t, Size> bytes() const {
    return std::span<const uint8_t, Size>{pages_.data(), Size};
  }

  /// A deliberate copy, in ordinary memory.
  secret_bytes<Size> clone() const {
    return secret_bytes<Size>{bytes()};
  }

private:
  secret_pages pages_;
};

} // namespace peapod
