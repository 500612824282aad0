// Any text is a digest or none; a digest has the length of its algorithm, and
// what was understood is understood again when it is written anew.

#include "core/origin_digest.hpp"
#include "tests/fuzz/check.hpp"

#include <sodium.h>

#include <string>

using namespace peapod;

namespace {

std::string base64(const byte_buffer& x) {
  std::string out(
      sodium_base64_ENCODED_LEN(x.size(), sodium_base64_VARIANT_ORIGINAL),
      '\0');
  sodium_bin2base64(out.data(), out.size(), x.data(), x.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.pop_back(); // the zero behind it
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  if (auto x = parse_digest_dictionary(in)) {
    check(x->value.size() == size_of(x->algorithm), "a length of another hash");
    auto again =
        std::string{to_string(x->algorithm)} + "=:" + base64(x->value) + ":";
    check(parse_digest_dictionary(again) == x, "a dictionary changes");
  }
  if (auto x = parse_digest_list(in)) {
    check(x->value.size() == size_of(x->algorithm), "a length of another hash");
    auto again = std::string{to_string(x->algorithm)} + "=" + base64(x->value);
    check(parse_digest_list(again) == x, "a list changes");
  }
  response_head head;
  auto half = in.find('\n');
  head.fields.add("Repr-Digest", std::string{in.substr(0, half)});
  if (half != std::string_view::npos)
    head.fields.add("Digest", std::string{in.substr(half + 1)});
  if (auto x = digest_of(head, {0, 1}, 1)) {
    digest_check checker{*x};
    checker.update(slice{in}.bytes());
    check(!checker.matches(), "a hash of itself");
  }
  return 0;
}
