// Any bytes begin a connection: what they are does not change as more come,
// and a second walk over the records sees the same types.

#include "core/tls_record.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <vector>

using namespace peapod;

namespace {

constexpr int no_record = -1;

/// The types of all records; `no_record` where the next one has no header.
std::vector<int> types_of(std::span<const uint8_t> bytes) {
  std::vector<int> out;
  for (size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at < 5 || bytes[at + 1] != 3) {
      out.push_back(no_record);
      break;
    }
    out.push_back(bytes[at]);
    at += 5 + 256 * size_t{bytes[at + 3]} + bytes[at + 4];
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> in{data, size};
  auto seen = opening::unknown;
  for (size_t n = 0; n <= std::min<size_t>(size, 8); ++n) {
    auto now = opening_of(in.first(n));
    check(seen == opening::unknown || now == seen, "another opening later");
    seen = now;
  }
  auto types = types_of(in);
  auto handshakes =
      std::ranges::all_of(types, [](int x) { return x == 20 || x == 22; });
  check(may_be_replayed(in)
            == (in.empty() || (opening_of(in) == opening::hello && handshakes)),
        "replayed what must not be, or not what may");
  auto alerts = std::ranges::all_of(types, [](int x) { return x == 21; });
  check(is_alert_only(in) == (!types.empty() && alerts), "alerts and others");
  return 0;
}
