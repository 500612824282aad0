// Any plaintext of a record is a message, one to skip, or an error; a message
// that was decoded encodes to bytes that decode to the same message.

#include "core/wire2_codec.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

namespace {

slice joined(const bincode_parts& parts) {
  auto out = parts.head;
  auto payload = parts.payload.bytes();
  out.insert(out.end(), payload.begin(), payload.end());
  out.insert(out.end(), parts.tail.begin(), parts.tail.end());
  return slice{std::move(out)};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > max_record_text)
    return 0;
  auto x = wire2::decode(slice{byte_buffer(data, data + size)});
  if (!x || !x->content)
    return 0;
  check(x->tag == wire2::tag_of(*x->content), "a tag is another one's");
  check(wire2::broken_bound(*x->content).empty(), "a broken bound was taken");
  auto parts = wire2::encode(*x->content);
  check(parts.has_value(), "a decoded message cannot be encoded");
  auto again = wire2::decode(joined(*parts));
  check(again && again->content, "an encoded message cannot be decoded");
  check(*again->content == *x->content, "a message changed");
  return 0;
}
