#pragma once

#include "core/http_message.hpp"
#include "core/types.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What an origin says that the hash of a body is: RFC 9530, and what came
/// before it (RFC 3230; RFC 6249 uses the same field).
namespace peapod {

/// The hashes that are worth checking. Others (MD5, SHA-1, UNIX sums) prove
/// nothing about who made the bytes.
enum class digest_algorithm { sha256, sha512 };

/// The name of an algorithm, as in `sha-256`.
std::string_view to_string(digest_algorithm x);

/// Bytes that a digest of `x` has.
size_t size_of(digest_algorithm x);

/// What the hash of a body has to be.
struct origin_digest {
  digest_algorithm algorithm = digest_algorithm::sha256;
  byte_buffer value; ///< `size_of(algorithm)` bytes

  bool operator==(const origin_digest&) const = default;
};

/// Parses the value of `Repr-Digest` or `Content-Digest` (RFC 9530, 2 and 3): a
/// dictionary of byte sequences (RFC 9651, 3.2). SHA-256 goes before SHA-512.
/// Nothing when it is malformed anywhere, or has neither of them.
std::optional<origin_digest> parse_digest_dictionary(std::string_view value);

/// Parses the value of `Digest` (RFC 3230, 4.3.2): a list of `name=base64`.
/// Members that are malformed or of another algorithm are skipped.
std::optional<origin_digest> parse_digest_list(std::string_view value);

/// What the hash of `body` has to be, by the head that it follows: nothing
/// unless `body` is all of the representation's `total` bytes. `Repr-Digest`
/// goes before `Content-Digest`, and both before `Digest`. Of a body in a
/// content coding only `Repr-Digest` counts: it is over the coded bytes by
/// definition (RFC 9530, 3), while others are often of what was coded.
std::optional<origin_digest> digest_of(const response_head& head,
                                       byte_range body, uint64_t total);

/// Compares the bytes of a body, in order, with what their hash has to be.
class digest_check {
public:
  explicit digest_check(origin_digest expected);
  ~digest_check();
  digest_check(digest_check&&) noexcept;
  digest_check& operator=(digest_check&&) noexcept;

  /// The next bytes of the body.
  void update(std::span<const uint8_t> bytes);

  /// Whether all bytes together have the expected hash. Called once, last.
  bool matches();

private:
  struct context;
  origin_digest expected_;
  std::unique_ptr<context> context_;
};

} // namespace peapod
