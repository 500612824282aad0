// Any text is a Metalink or none; its names stay in the present folder.

#include "hosts/get/metalink.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto files = parse_metalink({reinterpret_cast<const char*>(data), size});
  if (!files)
    return 0;
  check(!files->empty(), "no file");
  for (auto& x : *files) {
    check(!x.name.empty() && x.name[0] != '.', "a hidden name");
    check(x.name.find('/') == std::string::npos, "a name with a folder");
    check(!x.urls.empty(), "no URL");
    for (auto& y : x.digests)
      check(y.value.size() == size_of(y.algorithm), "a length of another hash");
  }
  return 0;
}
