// Any text is a sidecar or none; one that was read is written and read again
// alike, and its ranges lie in order inside its file.

#include "hosts/get/sidecar.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  auto x = parse_sidecar(in);
  if (!x)
    return 0;
  uint64_t at = 0;
  for (auto& range : x->have) {
    check(range.begin < range.end && range.begin >= at, "ranges out of order");
    check(range.end <= *x->rep.total_length, "a range behind the end");
    at = range.end + 1;
  }
  check(x->prefix() <= *x->rep.total_length, "a prefix behind the end");
  return 0;
}
