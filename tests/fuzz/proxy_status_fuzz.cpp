// Any text tells of a failure or of none; details are printable, and what was
// understood is understood again when it is written anew.

#include "core/proxy_status.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <string>

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  auto told = parse_proxy_status(in);
  if (!told)
    return 0;
  check(std::ranges::all_of(told->detail,
                            [](char c) { return c >= 0x20 && c < 0x7f; }),
        "details that are not printable");
  std::string again = "PeaPod; error=dns_error; details=\"";
  for (char c : told->detail) {
    if (c == '"' || c == '\\')
      again += '\\';
    again += c;
  }
  check(parse_proxy_status(again + '"')
            == make_error(errc::dns_failed, told->detail),
        "details change");
  auto tunnel = as_tunnel_failure(*told);
  check(tunnel.code == told->code || tunnel.code == errc::upstream_refused,
        "another failure");
  return 0;
}
