#include "core/origin_digest.hpp"

#include "core/http_semantics.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace peapod {

namespace {

/// Bytes of a base64 text with padding (RFC 4648, 4); nothing when it is none
/// or has more than the largest digest.
std::optional<byte_buffer> from_base64(std::string_view text) {
  byte_buffer out(64);
  size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(),
                        nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL)
          != 0
      || end != text.data() + text.size())
    return std::nullopt;
  out.resize(size);
  return out;
}

std::optional<digest_algorithm> algorithm_of(std::string_view name) {
  for (auto x : {digest_algorithm::sha256, digest_algorithm::sha512})
    if (equal_ignoring_case(name, to_string(x)))
      return x;
  return std::nullopt;
}

/// Keeps the one of two digests that is checked.
void prefer(std::optional<origin_digest>& kept, origin_digest next) {
  if (!kept || next.algorithm <= kept->algorithm)
    kept = std::move(next);
}

// -- structured fields (RFC 9651) ---------------------------------------------

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Reads a dictionary from its front.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {}

  bool done() const {
    return rest_.empty();
  }

  bool take(char c) {
    if (!rest_.starts_with(c))
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip(std::string_view what) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(what), rest_.size()));
  }

  /// A key (3.1.2); empty when there is none.
  std::string_view key() {
    if (rest_.empty() || (!is_lower(rest_[0]) && rest_[0] != '*'))
      return {};
    return take_while([](char c) {
      return is_lower(c) || is_digit(c)
             || std::string_view{"_-.*"}.find(c) != std::string_view::npos;
    });
  }

  /// The text between the colons of a byte sequence (3.3.5).
  std::optional<std::string_view> byte_sequence() {
    if (!take(':'))
      return std::nullopt;
    auto out = take_while([](char c) { return c != ':'; });
    return take(':') ? std::optional{out} : std::nullopt;
  }

  /// Skips parameters (3.1.2), whatever they say.
  bool parameters() {
    while (take(';')) {
      skip(" ");
      if (key().empty() || (take('=') && !bare_item()))
        return false;
    }
    return true;
  }

private:
  template <class Predicate>
  std::string_view take_while(Predicate good) {
    auto end = std::ranges::find_if_not(rest_, good);
    auto size = static_cast<size_t>(end - rest_.begin());
    auto out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  /// Skips a bare item: a byte sequence, a string, or a word.
  bool bare_item() {
    if (rest_.starts_with(':'))
      return byte_sequence().has_value();
    if (take('"'))
      return quoted();
    return !take_while([](char c) {
              return c > ' ' && c < 0x7f
                     && std::string_view{",;:\"()"}.find(c)
                            == std::string_view::npos;
            }).empty();
  }

  bool quoted() {
    while (!rest_.empty() && !rest_.starts_with('"'))
      rest_.remove_prefix(rest_[0] == '\\' && rest_.size() > 1 ? 2 : 1);
    return take('"');
  }

  std::string_view rest_;
};

/// Reads one member; false when it is malformed.
bool read_member(scanner& in, std::optional<origin_digest>& kept) {
  auto key = in.key();
  if (key.empty() || !in.take('='))
    return false;
  auto text = in.byte_sequence();
  auto bytes = text ? from_base64(*text) : std::nullopt;
  if (!text || !in.parameters())
    return false;
  auto algorithm = algorithm_of(key);
  if (!algorithm)
    return true;
  if (!bytes || bytes->size() != size_of(*algorithm))
    return false;
  prefer(kept, {*algorithm, std::move(*bytes)});
  return true;
}

} // namespace

std::string_view to_string(digest_algorithm x) {
  return x == digest_algorithm::sha256 ? "sha-256" : "sha-512";
}

size_t size_of(digest_algorithm x) {
  return x == digest_algorithm::sha256 ? 32 : 64;
}

// -- fields -------------------------------------------------------------------

std::optional<origin_digest> parse_digest_dictionary(std::string_view value) {
  scanner in{value};
  std::optional<origin_digest> out;
  in.skip(" ");
  while (!in.done()) {
    if (!read_member(in, out))
      return std::nullopt;
    in.skip(" \t");
    if (in.done())
      break;
    if (!in.take(','))
      return std::nullopt;
    in.skip(" \t");
    if (in.done())
      return std::nullopt; // a comma with nothing behind it
  }
  return out;
}

std::optional<origin_digest> parse_digest_list(std::string_view value) {
  std::optional<origin_digest> out;
  for (auto member : list_members(value)) {
    auto equals = member.find('=');
    if (equals == std::string_view::npos)
      continue;
    auto algorithm = algorithm_of(member.substr(0, equals));
    auto bytes = from_base64(member.substr(equals + 1));
    if (algorithm && bytes && bytes->size() == size_of(*algorithm))
      prefer(out, {*algorithm, std::move(*bytes)});
  }
  return out;
}

std::optional<origin_digest> digest_of(const response_head& head,
                                       byte_range body, uint64_t total) {
  if (body != byte_range{0, total})
    return std::nullopt;
  auto& fields = head.fields;
  if (auto x = parse_digest_dictionary(fields.joined("Repr-Digest")))
    return x;
  if (fields.count("Content-Encoding") > 0)
    return std::nullopt;
  if (auto x = parse_digest_dictionary(fields.joined("Content-Digest")))
    return x;
  return parse_digest_list(fields.joined("Digest"));
}

// -- checking -----------------------------------------------------------------

struct digest_check::context {
  explicit context(digest_algorithm algorithm) : md(EVP_MD_CTX_new()) {
    auto* kind =
        algorithm == digest_algorithm::sha256 ? EVP_sha256() : EVP_sha512();
    if (md == nullptr || EVP_DigestInit_ex(md, kind, nullptr) != 1)
      throw std::runtime_error("SHA-2 is not available");
  }
  ~context() {
    EVP_MD_CTX_free(md);
  }
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  EVP_MD_CTX* md;
};

digest_check::digest_check(origin_digest expected)
  : expected_(std::move(expected)),
    context_(std::make_unique<context>(expected_.algorithm)) {}

digest_check::~digest_check() = default;
digest_check::digest_check(digest_check&&) noexcept = default;
digest_check& digest_check::operator=(digest_check&&) noexcept = default;

void digest_check::update(std::span<const uint8_t> bytes) {
  EVP_DigestUpdate(context_->md, bytes.data(), bytes.size());
}

bool digest_check::matches() {
  byte_buffer out(size_of(expected_.algorithm));
  return EVP_DigestFinal_ex(context_->md, out.data(), nullptr) == 1
         && out == expected_.value;
}

} // namespace peapod
