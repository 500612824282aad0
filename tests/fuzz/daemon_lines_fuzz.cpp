// Any text is the status of a daemon or none; the lines that it offers are of
// devices that are told apart.

#include "hosts/get/daemon_lines.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  auto x = parse_daemon_lines(in);
  if (!x)
    return 0;
  check(x->proxy.port != 0 && !x->proxy.address.empty(), "no proxy");
  for (auto& peer : x->peers)
    check(peer.id != x->own.id, "this device as a peer");
  return 0;
}
