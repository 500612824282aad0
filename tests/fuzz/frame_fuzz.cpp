// Any bytes are a frame, an incomplete one, or an error; a message that was
// decoded encodes to a frame that decodes to the same message.

#include "core/wire_codec.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  slice in{byte_buffer(data, data + size)};
  auto frame = decode_frame(in);
  if (!frame || !*frame)
    return 0;
  check((*frame)->consumed <= size, "more was consumed than is there");
  auto bytes = encode_frame((*frame)->message);
  check(bytes.has_value(), "a decoded message cannot be encoded");
  auto again = decode_frame(slice{std::move(*bytes)});
  check(again && *again, "an encoded message cannot be decoded");
  check((*again)->message == (*frame)->message, "a message changed");
  return 0;
}
