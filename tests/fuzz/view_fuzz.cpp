// What another device says of its actors is refused, or is the same when it is
// written and read again, and never too long.

#include "core/wire_message.hpp"
#include "hosts/common/actor_view.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto x = parse_view({reinterpret_cast<const char*>(data), size});
  if (!x) {
    check(x.error().code == errc::peer_misbehaved, "another code");
    return 0;
  }
  auto text = view_text(*x);
  check(text.size() <= max_view_size, "a view that is too long");
  check(valid_utf8_prefix(text).size() == text.size(), "a view is no UTF-8");
  auto again = parse_view(text);
  check(again && view_text(*again) == text, "a view changes when it is read");
  return 0;
}
