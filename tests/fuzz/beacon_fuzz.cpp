// What a datagram of the discovery group makes of a device's name is harmless.

#include "core/wire_codec.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>

using namespace peapod;

namespace {

void check_name(const std::string& name) {
  auto control = [](char c) { return (c & 0xe0) == 0 || c == 0x7f; };
  check(name.size() <= max_name_size, "a name is too long");
  check(valid_utf8_prefix(name) == name, "a name is not UTF-8");
  check(std::none_of(name.begin(), name.end(), control),
        "a name has control characters");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto frame = decode_frame(slice{byte_buffer(data, data + size)});
  if (!frame || !*frame)
    return 0;
  std::visit(
      [](const auto& message) {
        if constexpr (requires { message.hello; })
          if (message.hello)
            check_name(message.hello->name);
      },
      (*frame)->message);
  return 0;
}
